package engine

import (
	"slices"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// burst is the messages of one session that are with homes to be stored. A
// session does not wait for each of them, since then as many commits would follow
// one another: it goes on while messages follow, and anything else (an IQ, <r/>,
// the end of the stream) is read when all are dealt with. So what a client asks
// behind its messages is answered when they are stored, as if it had waited. A
// message for an account whose home has earlier ones goes there, too, even when
// a session of the account could have it at once: nothing overtakes (RFC 6120
// §10.1). Loop only.
type burst struct {
	accounts []burstAccount // whose homes have some
	count    int
	blocked  bool // input waits for the end
}

type burstAccount struct {
	bare  string
	count int
}

const (
	// burstMost is how many messages of a session may be with homes.
	burstMost = 64
	// burstBytes is the same for the bytes of all sessions of a loop: while there are
	// more, a session waits for each of its messages.
	burstBytes = 4 << 20
)

// mayGoOn tells whether the session of c may go on while a home has the message.
// Accounts that are kept elsewhere are asked for one by one, and may answer in
// any order. A session with stream management needs the receipt, or the message
// would count as handled.
func (l *loop) mayGoOn(c *conn, v *stanza.View, rc receipt) bool {
	return isLasting(v) && l.burstBytes < burstBytes && !l.ForeignAccounts() && (rc.wanted || !c.session.Managed())
}

// burstOf is that of a session; nil: none.
func (l *loop) burstOf(mb routing.Mailbox) *burst {
	if len(l.bursts) == 0 {
		return nil
	}
	return l.bursts[mb]
}

// follow notes a message that goes to the home of an account.
func (l *loop) follow(mb routing.Mailbox, bare string, size int) waiter {
	b := l.bursts[mb]
	if b == nil {
		b = &burst{}
		l.bursts[mb] = b
	}
	b.count++
	l.burstBytes += size
	if i := b.index(bare); i >= 0 {
		b.accounts[i].count++
	} else {
		b.accounts = append(b.accounts, burstAccount{bare, 1})
	}
	return waiter{mailbox: mb, number: uint32(size), account: bare}
}

func (b *burst) index(bare string) int {
	return slices.IndexFunc(b.accounts, func(a burstAccount) bool { return a.bare == bare })
}

// followed notes that a home has dealt with one. false: it was of no burst.
func (l *loop) followed(w waiter, c *conn) bool {
	b := l.burstOf(w.mailbox)
	if b == nil || w.account == "" {
		return false
	}
	b.count--
	l.burstBytes -= int(w.number)
	if i := b.index(w.account); i >= 0 {
		if b.accounts[i].count--; b.accounts[i].count == 0 {
			b.accounts = slices.Delete(b.accounts, i, i+1)
		}
	}
	if b.count == 0 {
		delete(l.bursts, w.mailbox)
	}
	if b.blocked && c != nil {
		b.blocked = false
		c.resume()
	}
	return true
}

// isBusy tells whether the account's home has messages of the burst. b may be nil.
func (b *burst) isBusy(account jid.View) bool {
	return b != nil && b.index(account.Bare().String()) >= 0
}

// messageStart is what input begins with that is read in a burst.
const messageStart = "<message"

func startsMessage(in []byte) bool {
	return len(in) >= len(messageStart) && string(in[:len(messageStart)]) == messageStart
}

// mustWait tells whether input has to wait for the end of the session's burst, or
// until there is room in it. A client whose own filters are asked waits for each.
func (c *conn) mustWait(in []byte) bool {
	b := c.loop.burstOf(c.mailbox())
	if b == nil {
		return false
	}
	b.blocked = b.count >= burstMost || c.marks&xep.MarkFilter != 0 || !startsMessage(in)
	return b.blocked
}

// burstBlocks tells whether input waits so.
func (l *loop) burstBlocks(c *conn) bool {
	b := l.burstOf(c.mailbox())
	return b != nil && b.blocked
}
