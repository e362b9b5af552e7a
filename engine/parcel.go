package engine

import "github.com/xylem-im/xylem/session"

// parcel is what extensions give to one session and to no other: when that has
// ended it goes nowhere, and whoever sent it is told.
type parcel struct {
	stanzas [][]byte
	home    uint32     // the loop that wants to know
	written func(bool) // may be nil
	next    *parcel    // in conn.parcels
	last    uint64     // with stream management: the number of its last stanza
}

func (p *parcel) apply(l *loop, c *conn) {
	if c == nil || !c.receives() {
		p.tell(l, false)
		return
	}
	for i, st := range p.stanzas {
		how := session.Alone
		switch {
		case p.written != nil && i == len(p.stanzas)-1:
			how = session.KeptLast
		case p.written != nil:
			how = session.Kept
		}
		if !c.receives() || !c.deliver(st, how) {
			p.tell(l, false)
			return
		}
	}
	switch {
	case p.written == nil:
	case !c.receives():
		p.tell(l, false) // the last one was too much
	case c.session.Managed():
		p.last = c.session.Sent()
		c.awaiting = append(c.awaiting, p)
	default:
		l.parcels = append(l.parcels, sentParcel{c, p})
	}
}

// tell says at the home what became of the parcel.
func (p *parcel) tell(l *loop, ok bool) {
	if p.written != nil {
		l.engine.sendLoop(p.home, call(func() { p.written(ok) }))
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
			s.parcel.next, s.conn.parcels = s.conn.parcels, s.parcel
			l.block(s.conn)
		default:
			s.parcel.tell(l, s.conn.receives())
		}
	}
	l.parcels = l.parcels[:0]
}

// tellAcked tells of the parcels that the client has acknowledged.
func (c *conn) tellAcked() {
	for len(c.awaiting) > 0 && c.awaiting[0].last <= c.session.Acked() {
		c.awaiting[0].tell(c.loop, true)
		c.awaiting[0] = nil
		c.awaiting = c.awaiting[1:]
	}
	if len(c.awaiting) == 0 {
		c.awaiting = nil
	}
}

// settle answers the parcels that waited, at the end of the session.
func (c *conn) settle(ok bool) {
	for _, p := range c.awaiting {
		p.tell(c.loop, ok)
	}
	c.awaiting = nil
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
func (c *conn) behind() bool { return c.backlog.size > 0 || c.transport.buffered() > 0 }
