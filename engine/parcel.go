package engine

import "github.com/xylem-im/xylem/session"

// parcel is what extensions give to one session and to no other: when that has
// ended it goes nowhere, and whoever sent it is told.
type parcel struct {
	stanzas [][]byte
	home    uint32          // the loop that wants to know
	taken   func(int, bool) // see xep.Host.DeliverTo; may be nil
	next    *parcel         // in conn.parcels
	first   uint64          // with stream management: how many stanzas the session was sent before
	told    int             // how many were told to be taken
}

func (p *parcel) apply(l *loop, c *conn) {
	if c == nil || !c.receives() {
		p.tell(l, false)
		return
	}
	p.first = c.session.Sent()
	for i, st := range p.stanzas {
		how := session.Alone
		switch {
		case p.taken != nil && i == len(p.stanzas)-1:
			how = session.KeptLast
		case p.taken != nil:
			how = session.Kept
		}
		var rc receipt
		if p.taken != nil && c.session.Managed() {
			rc.key = l.keyOf(st)
		}
		if !c.receives() || !c.deliver(st, how, rc, nil) {
			p.tell(l, false)
			return
		}
		if i == 0 && c.session.Managed() { // what was held back until now went before it
			p.first = c.session.Sent() - 1
		}
	}
	switch {
	case p.taken == nil:
	case !c.receives():
		p.tell(l, false) // the last one was too much
	case c.session.Managed():
		c.more().awaiting = append(c.awaiting, p)
	default:
		l.parcels = append(l.parcels, sentParcel{c, p})
	}
}

// tell says at the home what became of the parcel: taken as a whole, or no
// more of it than was told before.
func (p *parcel) tell(l *loop, ok bool) {
	n := p.told
	if ok {
		n = len(p.stanzas)
	}
	p.tellTaken(l, n, !ok)
}

func (p *parcel) tellTaken(l *loop, n int, ended bool) {
	p.told = n
	if p.taken != nil {
		l.engine.sendLoop(p.home, call(func() { p.taken(n, ended) }))
	}
}

// sentParcel waits for the end of the turn.
type sentParcel struct {
	conn   *conn
	parcel *parcel
}

// settle tells what became of the parcels of this turn. Those to a peer that
// does not keep up wait until it has taken all that was meant for it: so who
// sends parcel after parcel sends no faster than the peer reads.
func (l *loop) settle() {
	for i, s := range l.parcels {
		l.parcels[i] = sentParcel{}
		switch {
		case s.conn.phase == phaseStream && s.conn.behind():
			s.parcel.next, s.conn.more().parcels = s.conn.parcels, s.parcel
			l.block(s.conn)
		default:
			s.parcel.tell(l, s.conn.receives())
		}
	}
	l.parcels = l.parcels[:0]
}

// tellAcked tells of the parcels that the client has acknowledged, also in part.
func (c *conn) tellAcked() {
	if len(c.awaiting) == 0 {
		return
	}
	for len(c.awaiting) > 0 {
		p := c.awaiting[0]
		n := min(int(c.session.Acked()-min(p.first, c.session.Acked())), len(p.stanzas))
		if n > p.told {
			c.journalAcked()
			p.tellTaken(c.loop, n, false)
		}
		if n < len(p.stanzas) {
			return
		}
		c.awaiting[0] = nil
		c.awaiting = c.awaiting[1:]
	}
	c.awaiting = nil
	c.less()
}

// settle answers the parcels that waited, at the end of the session.
func (c *conn) settle(ok bool) {
	for _, p := range c.awaiting {
		p.tell(c.loop, ok)
	}
	if c.awaiting != nil {
		c.awaiting = nil
	}
	c.settleRead(ok)
}

// settleRead answers the parcels that waited for the peer to read.
func (c *conn) settleRead(ok bool) {
	for c.parcels != nil {
		p := c.parcels
		c.parcels, p.next = p.next, nil
		p.tell(c.loop, ok)
	}
}

// behind tells whether something waits for the peer to read.
func (c *conn) behind() bool { return c.backlog.size() > 0 || c.transport.buffered() > 0 }
