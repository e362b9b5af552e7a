package engine

import (
	"cmp"
	"slices"

	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/xep"
)

// With Config.DurableAck a message that a client with stream management gets
// counts as handled for its sender, or for the server that it came from (h of
// XEP-0198), when the recipient has acknowledged it or when it is stored, whichever
// comes first:
//
//	sender's loop     holds the stanza (Session.Hold, s2s.Stream.Hold) and sends a receipt with it
//	recipient's loop  asks the client at once and keeps the receipt until it has
//	                  acknowledged; after keepAfter, or when it has no connection,
//	                  a copy goes to the home of the account
//	home              has it stored (xep.Keeper) and settles the receipt; removes it
//	                  when the client has acknowledged, lets it wait for another
//	                  session when the session ends
//
// So what is acknowledged quickly is never written to disk, and nobody waits for
// a recipient who says nothing for longer than keepAfter and a commit.

// receipt goes with a message whose sender waits. The zero value: nobody does.
type receipt struct {
	origin routing.Mailbox // the sender's session, or the stream of its server; 0: neither, it is stored nevertheless
	seq    uint32          // see Session.Hold and s2s.Stream.Number
	wanted bool
	key    uint64 // how the journal calls the message; 0: not at all
}

// receipts are those of one session that its client has not acknowledged, in
// the order of their stanzas.
type receipts struct {
	list []awaited
	head int    // those before it are over
	due  int64  // when the next ones are stored; 0: never
	seen uint64 // number of the last stanza that keepNow has seen

	companies
}

type awaited struct {
	number uint64 // of the stanza, see session.Sent
	receipt
	kept bool // handed to the home to be stored
}

func (r *receipts) open() []awaited { return r.list[r.head:] }

// find is the receipt of a stanza; nil: there is none.
func (r *receipts) find(number uint64) *awaited {
	i, found := r.search(number)
	if !found {
		return nil
	}
	return &r.open()[i]
}

// search is where the receipt of a stanza is among the open ones, or would be.
func (r *receipts) search(number uint64) (int, bool) {
	return slices.BinarySearchFunc(r.open(), number, func(a awaited, n uint64) int { return cmp.Compare(a.number, n) })
}

// drop forgets the first n.
func (r *receipts) drop(n int) {
	r.head += n
	if r.head > 64 && r.head > len(r.list)/2 {
		r.list = r.list[:copy(r.list, r.list[r.head:])]
		r.head = 0
	}
}

// takeReceipts is an empty list, used before if there is one.
func (l *loop) takeReceipts() *receipts {
	n := len(l.receipts)
	if n == 0 {
		return &receipts{}
	}
	r := l.receipts[n-1]
	l.receipts[n-1] = nil
	l.receipts = l.receipts[:n-1]
	return r
}

// freeReceipts is the end of a list.
func (c *conn) freeReceipts() {
	l, r := c.loop, c.receipts
	c.receipts = nil
	const most, entries = 64, 256
	if r != nil && len(l.receipts) < most && cap(r.list) <= entries && cap(r.companies) <= entries {
		*r = receipts{list: r.list[:0], companies: r.companies[:0]}
		l.receipts = append(l.receipts, r)
	}
}

// await keeps the receipt of the stanza that was delivered last.
func (c *conn) await(rc receipt) {
	l := c.loop
	r := c.receiptList()
	r.list = append(r.list, awaited{number: c.session.Sent(), receipt: rc})
	if r.due == 0 {
		r.due = l.now + l.engine.keepAfter
	}
}

// acknowledged settles what the client has acknowledged.
func (c *conn) acknowledged() {
	r, l := c.receipts, c.loop
	if r == nil {
		return
	}
	acked, n, kept := c.session.Acked(), 0, false
	for _, a := range r.open() {
		if a.number > acked {
			break
		}
		n++
		kept = kept || a.kept
		if a.wanted {
			l.settleReceipt(a.receipt)
		}
	}
	r.forget(acked)
	if n > 0 {
		c.journalAcked()
	}
	if kept {
		l.postHome(c.session.JID().Bare().String(), &takenUpTo{c.sessionRef(), acked})
	}
	if r.drop(n); len(r.open()) == 0 && len(r.companies) == 0 {
		c.freeReceipts()
	} else if !slices.ContainsFunc(r.open(), func(a awaited) bool { return !a.kept }) {
		r.due = 0
	}
}

func (c *conn) sessionRef() xep.SessionRef {
	return xep.SessionRef{JID: c.session.JID(), ID: uint64(c.mailbox())}
}

// takenUpTo tells the home which of the stored messages a client has.
type takenUpTo struct {
	session xep.SessionRef
	number  uint64
}

func (t *takenUpTo) apply(l *loop, _ *conn) {
	a := l.home(t.session.JID.Bare())
	a.Prepared(func(error) { l.engine.registry.Keeps().Taken(a, t.session, t.number) })
}

// settleReceipt tells the sender's session that a message was dealt with.
func (l *loop) settleReceipt(rc receipt) {
	if !rc.wanted || rc.origin == 0 {
		return
	}
	b := l.batchFor(mailboxLoop(rc.origin))
	if n := len(b.entries); n > 0 && l.engine.takesShortWays() {
		if last := &b.entries[n-1]; last.kind == entrySettled && last.to == rc.origin && last.end+1 == rc.seq {
			last.end = rc.seq
			return
		}
	}
	e := b.add(rc.origin, entrySettled)
	e.seq, e.end = rc.seq, rc.seq
}
