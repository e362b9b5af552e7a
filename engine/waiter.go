package engine

import (
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/session"
)

// waiter is who waits until a stanza is dealt with: a session, a component, or a
// stream with another server, which has given the stanza a number.
type waiter struct {
	mailbox routing.Mailbox // 0: nobody
	number  uint32
	held    bool   // the stream counts the stanza when its receipt is settled
	account string // with whose home the stanza of a stream is, or the message of a burst
}

// goOn lets a session that waits go on. It is handed over behind all else of
// this turn, so that what the session does next cannot overtake it.
func (l *loop) goOn(w waiter) {
	mb := w.mailbox
	if mb == 0 {
		return
	}
	l.postLate(mailboxLoop(mb), entry{to: mb, kind: entryControl, ctl: goingOn{w}})
}

// postLate has a loop do something behind all else that this turn has for any.
func (l *loop) postLate(index uint32, e entry) {
	if l.late[index] == nil {
		l.late[index] = l.engine.pool.get()
	}
	l.late[index].entries = append(l.late[index].entries, e)
}

// goingOn ends a wait.
type goingOn struct{ waiter }

func (g goingOn) apply(l *loop, c *conn) {
	switch {
	case l.followed(g.waiter, c):
		return
	case c == nil:
		return
	case c.order() != nil:
		c.dealtWith(g.waiter)
	default:
		c.complete(&session.Result{})
	}
	c.resume()
}
