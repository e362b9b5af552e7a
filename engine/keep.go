package engine

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

const (
	// keepAfter is how long a recipient has to acknowledge a message before it is
	// stored, nanoseconds.
	keepAfter = int64(250e6)
	// keepAgain is when a message that could not be stored is tried again.
	keepAgain = int64(1e9)
	// keepPatience is how long the commit of such messages waits for more of them. The
	// senders have waited for keepAfter; with thousands of recipients who do not
	// acknowledge some fall due each millisecond, and would have a commit each.
	keepPatience = 2 * time.Millisecond
	// keepAtOnce is how many messages of a session fall due at once: 20 to 40 µs each.
	keepAtOnce = 4
)

// keepDue is when keep wants to be called; 0: never.
func (c *conn) keepDue() int64 {
	if c.receipts == nil {
		return 0
	}
	return c.receipts.due
}

// keepNow has all stored that the client has not acknowledged and that is not
// stored already.
func (c *conn) keepNow() { c.keepUpTo(math.MaxInt, 0) }

// keepSome is keepNow for the first few of them; the others are due at once. The
// commit may wait for others.
func (c *conn) keepSome() { c.keepUpTo(keepAtOnce, keepPatience) }

func (c *conn) keepUpTo(most int, patience time.Duration) {
	r, l := c.receipts, c.loop
	if r == nil {
		return
	}
	r.due = 0
	k := &keeping{session: c.sessionRef(), patience: patience}
	number := max(r.seen, c.session.Acked())
	from, _ := r.search(number + 1)
	open := r.open()[from:]
	r.seen = c.session.Sent()
	c.session.UnackedAfter(number, func(u session.Unacked) bool {
		if len(k.messages) == most {
			r.seen, r.due = number, l.now
			return false
		}
		number++
		for len(open) > 0 && open[0].number < number {
			open = open[1:]
		}
		if len(open) == 0 {
			return false
		}
		if a := &open[0]; a.number == number && !a.kept {
			a.kept = true
			k.messages = append(k.messages, keptMessage{slices.Clone(u.Stanza), u.At, number, a.receipt})
		}
		return true
	})
	if len(k.messages) > 0 {
		l.stats.kept.Add(uint64(len(k.messages)))
		l.postHome(k.session.JID.Bare().String(), k)
	}
}

// keeping takes messages that a session has to the home of its account.
type keeping struct {
	session  xep.SessionRef
	messages []keptMessage
	patience time.Duration
}

type keptMessage struct {
	raw    []byte
	at     int64
	number uint64
	receipt
}

func (k *keeping) apply(l *loop, _ *conn) {
	a := l.home(k.session.JID.Bare())
	a.Prepared(func(err error) {
		for i := range k.messages {
			if err != nil {
				l.notKept(k.session, &k.messages[i])
				continue
			}
			l.keep(a, k, &k.messages[i])
		}
	})
}

// keep has one message of k stored.
func (l *loop) keep(a *xep.Home, k *keeping, m *keptMessage) {
	req, to, ok := l.rawRequest(m.raw, m.at, &m.receipt, func() {})
	if !ok {
		return
	}
	var fw stanza.Forward
	l.identify(req.View, to.Bare(), &fw)
	req.StanzaID = strings.Clone(fw.ID)
	l.engine.registry.Keeps().Keep(a, k.session, xep.Kept{Req: req, Serial: m.number, Patience: k.patience,
		Failed: func(stanza.Error) { l.notKept(k.session, m) }})
}

// rawRequest makes of a rendered stanza what a home works with; rc is settled and
// done called when it was dealt with, or is none that a home can work with. The
// view is valid until the next call.
func (l *loop) rawRequest(raw []byte, at int64, rc *receipt, done func()) (req *xep.Request, to jid.View, ok bool) {
	end := func() {
		l.settleReceipt(*rc) // unless somebody else does
		done()
	}
	v, err := l.requests.read(raw)
	if err != nil {
		end()
		return nil, to, false
	}
	from, err := jid.ParseBytes(parser.Unescape(v.From()))
	if err == nil { // without from: of the account itself, a roster push
		to, err = l.viewOf(parser.Unescape(v.To()))
	}
	if err != nil {
		end()
		return nil, to, false
	}
	reply := func(b []byte) {
		src := source{receipt: *rc}
		l.replyTo(&src, b)
		*rc = src.receipt
	}
	req = xep.NewRequest(&v, from, to.Clone(), reply, end)
	req.Arrived = at
	return req, to, true
}

// notKept has a message tried again later, and tells the sender's session.
func (l *loop) notKept(s xep.SessionRef, m *keptMessage) {
	l.postControl(routing.Mailbox(s.ID), unkept{m.number})
	if m.origin != 0 {
		l.postControl(m.origin, storeFails{})
	}
}

// unkept says at the recipient's session that a message could not be stored.
type unkept struct{ number uint64 }

func (u unkept) apply(l *loop, c *conn) {
	if c == nil || c.receipts == nil {
		return
	}
	if a := c.receipts.find(u.number); a != nil && a.kept {
		a.kept = false
		c.receipts.seen = min(c.receipts.seen, u.number-1)
		c.receipts.due = session.Earlier(c.receipts.due, l.now+keepAgain)
		c.rearm()
	}
}
