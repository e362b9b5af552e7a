package engine

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/stanza"
)

// revocations are the accounts whose password or tokens have changed, or that were
// deleted, a short while ago. A login that was begun before rests on what is no
// longer true, and could be held open until after the sessions were ended. Safe for
// concurrent use.
type revocations struct {
	some atomic.Bool // there may be any
	mu   sync.Mutex
	at   map[string]int64 // bare address: Unix nanoseconds
}

// add notes that logins of an account that were begun before now are void. keep is
// for how long such a login may last, both in nanoseconds.
func (r *revocations) add(bare string, now, keep int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for other, at := range r.at {
		if at+keep < now {
			delete(r.at, other)
		}
	}
	if r.at == nil {
		r.at = make(map[string]int64)
	}
	r.at[bare] = now
	r.some.Store(true)
}

// since tells whether a login that was begun at begun is void.
func (r *revocations) since(bare string, begun int64) bool {
	if !r.some.Load() {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	at, found := r.at[bare]
	return found && begun <= at
}

// voidLogins ends the logins to an account that have begun.
func (e *Engine) voidLogins(who jid.JID) {
	e.revocations.add(who.Bare().String(), time.Now().UnixNano(), int64(e.limits.PreAuthTime))
}

// revoke ends the sessions of an account but one (0: none is spared), and logins
// that have begun: after what they rest on was changed in the store.
func (e *Engine) revoke(who jid.JID, but routing.Mailbox, why stanza.StreamError) {
	bare := who.Bare().String()
	e.voidLogins(who)
	d := e.table.Domain(who.Domain())
	if d == nil {
		return
	}
	ended := 0
	for _, entry := range d.Lookup(who.Local(), nil) {
		if entry.Mailbox != but {
			ended += e.end([]routing.Entry{entry}, why)
		}
	}
	e.log.Info("logins revoked", "account", bare, "reason", why.Text, "sessions_closed", ended)
}
