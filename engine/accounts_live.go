package engine

import (
	"context"
	"time"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// Accounts manages the accounts in Config.Store while the engine runs; nil
// without a Store or before Ready.
func (e *Engine) Accounts() *Accounts {
	select {
	case <-e.ready:
	default:
		return nil
	}
	if e.pump == nil {
		return nil
	}
	a := NewAccounts(e.pump, e.cfg.ScramIterations)
	a.leaving = e.leaving
	a.revoked = func(who jid.JID, why stanza.StreamError) { e.revoke(who, 0, why) }
	return a
}

// leaving lets the extensions act on an account that is about to be deleted,
// and waits until they have read what they need of it.
func (e *Engine) leaving(ctx context.Context, who jid.JID) error {
	before := 0 // the request to delete the account may be under way itself
	_, err := e.visitHome(ctx, who, func(a *xep.Home) {
		before = int(a.Busy)
		e.registry.AccountDeleted(a)
	})
	if err != nil {
		return err
	}
	for {
		busy, err := e.visitHome(ctx, who, func(*xep.Home) {})
		if err != nil || busy <= before {
			return err
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// visitHome runs f at an account's home, waits for it, and tells how many
// operations the account has under way.
func (e *Engine) visitHome(ctx context.Context, who jid.JID, f func(*xep.Home)) (busy int, err error) {
	done := make(chan int, 1)
	e.sendLoop(e.homeLoop(who.String()), &visit{who, func(a *xep.Home) {
		f(a)
		done <- int(a.Busy)
	}})
	select {
	case busy = <-done:
		return busy, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-e.stopped:
		return 0, ErrNotRunning
	}
}
