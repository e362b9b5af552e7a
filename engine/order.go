package engine

import (
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// order keeps what a stream of another server, or of a component, sends to one
// account in order (RFC 6120 §10.1). Many users speak on it, so unlike a client's
// session it does not wait while a home deals with one of its stanzas; what
// needs no home would overtake that: a contact's presence, say, the approval of
// the subscription that it follows. Such a stanza is held here until the
// account's home has dealt with all from before. Loop only.
type order struct {
	busy    map[string]int          // by account: stanzas that are with its home
	held    map[string][]heldStanza // by account: what must not overtake them
	waiting int                     // stanzas of both kinds
	bytes   int                     // of those held
}

// heldStanza is a rendered stanza, and the number that its stream gave it.
type heldStanza struct {
	raw    []byte
	number uint32
}

const (
	// peerWindow is how many stanzas of another server, or a component, may be with
	// homes at a time or held behind them; then its connection is not read.
	peerWindow = 256
	// heldBytes is the same for the bytes of those that are held.
	heldBytes = 1 << 20
)

// order is that of the stream, nil for a client's session.
func (c *conn) order() *order {
	if s := c.domainStream(); s != nil {
		return s.accountOrder()
	}
	return nil
}

// full tells whether the connection is not to be read.
func (o *order) full() bool { return o != nil && (o.waiting >= peerWindow || o.bytes > heldBytes) }

// sent notes that the home of an account has one more stanza.
func (o *order) sent(account string) {
	if o.busy == nil {
		o.busy = make(map[string]int)
	}
	o.busy[account]++
}

// done notes that it has dealt with one.
func (o *order) done(account string) {
	if o.busy[account]--; o.busy[account] <= 0 {
		delete(o.busy, account)
	}
}

// isBusy tells whether the account's home has stanzas of this stream. o may be nil.
func (o *order) isBusy(account jid.View) bool {
	return o != nil && len(o.busy) > 0 && o.busy[account.Bare().String()] > 0
}

// holds tells whether stanzas of this stream for the account are held.
func (o *order) holds(account jid.View) bool {
	return len(o.held) > 0 && len(o.held[account.Bare().String()]) > 0
}

// hold keeps a stanza for the account of to.
func (o *order) hold(src *source, v *stanza.View, to jid.View, fw *stanza.Forward) {
	if o.held == nil {
		o.held = make(map[string][]heldStanza)
	}
	h := heldStanza{stanza.AppendForward(nil, v, fw), src.waits.number}
	account := to.Bare().Clone().String()
	o.held[account] = append(o.held[account], h)
	o.bytes += len(h.raw)
	src.waits = waiter{} // who waits is told when it goes on
}

// next takes the oldest stanza that is held for an account.
func (o *order) next(account string) (h heldStanza, ok bool) {
	list := o.held[account]
	if len(list) == 0 {
		return h, false
	}
	h = list[0]
	if list[0] = (heldStanza{}); len(list) == 1 {
		delete(o.held, account)
	} else {
		o.held[account] = list[1:]
	}
	o.bytes -= len(h.raw)
	return h, true
}

// routeInOrder is route for what comes on a stream with an order: behind what is
// held.
func (l *loop) routeInOrder(src *source, v *stanza.View, to jid.View, fw *stanza.Forward) {
	o := src.order()
	if o.holds(to) {
		o.hold(src, v, to, fw)
	} else {
		l.route(src, v, to, fw)
	}
	if src.waits.mailbox == 0 { // a home goes on with it, or it is held
		o.waiting++
	}
}

// dealtWith goes on after a stanza that the home of an account has dealt with.
func (c *conn) dealtWith(w waiter) {
	c.order().done(w.account)
	c.answered(w)
	c.release(w.account)
}

// answered tells the stream that one of its stanzas needs it no more.
func (c *conn) answered(w waiter) {
	c.order().waiting--
	if c.peer != nil && !w.held {
		c.peerHandled(w.number)
	}
}

// release routes what was held for an account, until one of it is with the home
// again.
func (c *conn) release(account string) {
	o := c.order()
	for o.busy[account] == 0 {
		h, ok := o.next(account)
		if !ok {
			return
		}
		src := source{waits: waiter{mailbox: c.mailbox(), number: h.number}, stream: c}
		c.loop.routeHeld(&src, h.raw)
		if src.waits.mailbox != 0 {
			c.answered(src.waits)
		}
	}
}

// releaseAll routes what is still held when the connection has gone.
func (c *conn) releaseAll() {
	o := c.order()
	if o == nil {
		return
	}
	for account := range o.held {
		for h, ok := o.next(account); ok; h, ok = o.next(account) {
			c.loop.routeHeld(&source{}, h.raw)
		}
	}
}

func (l *loop) routeHeld(src *source, raw []byte) {
	v, err := l.ordered.read(raw)
	if err == nil {
		var to jid.View
		if to, err = l.viewOf(parser.Unescape(v.To())); err == nil {
			l.route(src, &v, to, &stanza.Forward{From: string(parser.Unescape(v.From()))})
			return
		}
	}
	l.engine.log.Error("stanza lost on its way", "error", err)
}
