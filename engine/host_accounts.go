package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/xep"
)

// ownAccounts tells whether accounts are the store's.
func (e *Engine) ownAccounts() bool { return e.cfg.Auth == nil && e.pump != nil }

// ForeignAccounts implements xep.Host.
func (l *loop) ForeignAccounts() bool { return l.engine.cfg.Auth != nil }

// Exists implements xep.Host.
func (l *loop) Exists(bare jid.JID, done func(exists bool, err error)) {
	e := l.engine
	if e.cfg.Auth == nil {
		l.ask(getCredentials(bare.String()), func(res *storage.Result) {
			if errors.Is(res.Err, storage.ErrNotFound) {
				done(false, nil)
				return
			}
			done(res.Err == nil, res.Err)
		})
		return
	}
	var once sync.Once // its first answer counts
	answer := func(exists bool, err error) {
		once.Do(func() { e.sendLoop(l.index, call(func() { done(exists, err) })) })
	}
	if f, own := e.cfg.Auth.(AccountFinder); own {
		f.Exists(bare.Local(), bare.Domain(), answer)
		return
	}
	e.cfg.Auth.Credentials(bare.Local(), bare.Domain(), func(creds *Credentials, err error) { answer(creds != nil, err) })
}

// SetPassword implements xep.Host. The hash is made by a worker.
func (l *loop) SetPassword(bare jid.JID, password string, by xep.SessionRef, done func(error)) {
	e := l.engine
	if !e.ownAccounts() {
		l.later(func() { done(xep.ErrForeignAccounts) })
		return
	}
	bare = bare.Clone()
	l.ask(getCredentials(bare.String()), func(res *storage.Result) {
		if res.Err != nil {
			done(res.Err)
			return
		}
		before := res.Items[0].Value
		job := func() {
			creds, err := sasl.Derive(password, e.cfg.ScramIterations, rand.Reader)
			if err != nil {
				err = fmt.Errorf("%w: %w", xep.ErrPassword, err)
			}
			e.sendLoop(l.index, call(func() { l.putPassword(bare, before, creds, by, err, done) }))
		}
		if !l.work(job) {
			done(storage.ErrBusy)
		}
	})
}

func (l *loop) putPassword(bare jid.JID, before []byte, creds sasl.Credentials, by xep.SessionRef, err error, done func(error)) {
	if err != nil {
		done(err)
		return
	}
	l.ask(putCredentials(bare, before, creds.Append(nil)), func(res *storage.Result) {
		if res.Err == nil {
			l.engine.revoke(bare, routing.Mailbox(by.ID), errPasswordChanged)
		}
		done(res.Err)
	})
}

// DeleteAccount implements xep.Host. What Accounts does waits for the store
// again and again, so it has a goroutine of its own; there is one at most for
// each session, which waits for the answer.
func (l *loop) DeleteAccount(bare jid.JID, done func(error)) {
	e := l.engine
	if !e.ownAccounts() {
		l.later(func() { done(xep.ErrForeignAccounts) })
		return
	}
	bare = bare.Clone()
	go func() {
		err := e.Accounts().remove(context.Background(), bare)
		if err == nil { // the caller ends the sessions, after it has answered one of them
			e.voidLogins(bare)
		}
		e.sendLoop(l.index, call(func() { done(err) }))
	}()
}
