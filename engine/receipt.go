package engine

import (
	"cmp"
	"slices"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/stanza"
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

const (
	// keepAfter is how long a recipient has to acknowledge a message before it is
	// stored, nanoseconds.
	keepAfter = int64(250e6)
	// keepAgain is when a message that could not be stored is tried again.
	keepAgain = int64(1e9)
	// heldMost is how many stanzas of a client may be held; then it is not read
	// until there are fewer, or while the store fails gets resource-constraint.
	heldMost = 4096
	// peerHeldMost is the same for the stream of another server, on which many speak.
	peerHeldMost = 16_384
	// heldForErrors is how many may be held there when one more is held until the
	// error that answers it has arrived: the acknowledgement of that may come on the
	// very stream that is not read when there are too many.
	heldForErrors = peerHeldMost / 4
	// resumePatience is how long a resumption waits for what is held: that is sent
	// again otherwise, and the recipients get it twice.
	resumePatience = int64(10e9)
)

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
	head int   // those before it are over
	due  int64 // when the next ones are stored; 0: never

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
		r.due = l.now + keepAfter
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

// keepDue is when keep wants to be called; 0: never.
func (c *conn) keepDue() int64 {
	if c.receipts == nil {
		return 0
	}
	return c.receipts.due
}

// keepNow has all stored that the client has not acknowledged and that is not
// stored already.
func (c *conn) keepNow() {
	r, l := c.receipts, c.loop
	if r == nil {
		return
	}
	r.due = 0
	k := &keeping{session: c.sessionRef()}
	open, number := r.open(), c.session.Acked()
	for u := range c.session.Unacked {
		number++
		for len(open) > 0 && open[0].number < number {
			open = open[1:]
		}
		if len(open) == 0 {
			break
		}
		if a := &open[0]; a.number == number && !a.kept {
			a.kept = true
			k.messages = append(k.messages, keptMessage{slices.Clone(u.Stanza), u.At, number, a.receipt})
		}
	}
	if len(k.messages) > 0 {
		l.stats.kept.Add(uint64(len(k.messages)))
		l.postHome(k.session.JID.Bare().String(), k)
	}
}

// keeping takes messages that a session has to the home of its account.
type keeping struct {
	session  xep.SessionRef
	messages []keptMessage
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
			l.keep(a, k.session, &k.messages[i])
		}
	})
}

// keep has one message stored.
func (l *loop) keep(a *xep.Home, s xep.SessionRef, m *keptMessage) {
	req, to, ok := l.rawRequest(m.raw, m.at, &m.receipt, func() {})
	if !ok {
		return
	}
	var fw stanza.Forward
	l.identify(req.View, to.Bare(), &fw)
	req.StanzaID = fw.ID
	l.engine.registry.Keeps().Keep(a, s, xep.Kept{Req: req, Serial: m.number, Failed: func(stanza.Error) { l.notKept(s, m) }})
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
		c.receipts.due = session.Earlier(c.receipts.due, l.now+keepAgain)
		c.rearm()
	}
}

// storeFails says at the sender's session that what is held may be held for
// long: it is read all the same, so that its own acknowledgements are.
type storeFails struct{}

func (storeFails) apply(_ *loop, c *conn) {
	if c != nil && c.receives() && !c.unstored {
		c.more().unstored = true
		c.resume()
	}
}

// settleReceipt tells the sender's session that a message was dealt with.
func (l *loop) settleReceipt(rc receipt) {
	if !rc.wanted || rc.origin == 0 {
		return
	}
	b := l.batchFor(mailboxLoop(rc.origin))
	b.entries = append(b.entries, entry{to: rc.origin, kind: entrySettled, seq: rc.seq})
}

// settled is the end of what one receipt was for.
func (c *conn) settled(seq uint32) {
	if !c.receives() {
		return
	}
	full := c.heldTooMany()
	if c.unstored {
		c.unstored = false
	}
	if c.peer != nil {
		c.peerHandled(seq)
	} else {
		out := c.loop.begin()
		c.session.Settle(seq, out)
		if len(out.Bytes) > 0 {
			c.write(out.Bytes)
		}
		c.loop.took(out)
	}
	if full && !c.heldTooMany() {
		c.resume()
	}
	c.rearm()
	if c.phase == phaseDetached && c.resumer != nil {
		c.grant(c.resumer)
	}
}

// heldTooMany tells whether no more may be held for the client.
func (c *conn) heldTooMany() bool {
	if c.peer != nil {
		return c.peer.stream.Held() >= peerHeldMost
	}
	return c.session.Held() >= heldMost
}

// hold has the stanza of a session, or of another server, counted as handled
// later. false when no more may be held.
func (src *source) hold() bool {
	switch {
	case src.receipt.wanted:
		return true
	case src.stream != nil && src.stream.peer != nil:
		return src.holdPeer(peerHeldMost)
	case src.conn == nil:
		return true
	case src.conn.heldTooMany():
		return false
	}
	if seq, ok := src.conn.session.Hold(); ok {
		src.receipt = receipt{origin: src.origin, seq: seq, wanted: true}
	}
	return true
}

// holdPeer is hold for another server's stanza, which may be held already for its
// order.
func (src *source) holdPeer(most int) bool {
	stream, number := &src.stream.peer.stream, src.waits.number
	switch {
	case !stream.Managed():
		return true
	case stream.Held() >= most && !stream.Holds(number):
		return false
	}
	stream.Hold(number)
	src.waits.held = true
	src.receipt = receipt{origin: src.stream.mailbox(), seq: number, wanted: true}
	return true
}

// holdForError has another server's stanza counted as handled when that server has
// the error which is the answer.
func (src *source) holdForError() {
	if !src.receipt.wanted && src.stream != nil && src.stream.peer != nil {
		src.holdPeer(heldForErrors)
	}
}

// heldFor picks the target whose acknowledgement is waited for: one of them is
// enough. -1: none has stream management, or the message is of no kind that is stored.
func (l *loop) heldFor(v *stanza.View, targets []routing.Entry) int {
	if !l.engine.cfg.DurableAck || !isLasting(v) {
		return -1
	}
	best := -1
	for i := range targets {
		marks := xep.Mark(targets[i].Flags)
		if marks&xep.MarkManaged == 0 {
			continue
		}
		if marks&xep.MarkDetached == 0 {
			best = i
			break
		}
		best = max(best, i)
	}
	if k := l.engine.registry.Keeps(); best < 0 || k == nil || !k.Stores(v) {
		return -1
	}
	return best
}
