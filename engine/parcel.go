package engine

// parcel is what extensions give to one session and to no other: when that has
// ended it goes nowhere, and whoever sent it is told.
type parcel struct {
	stanzas [][]byte
	home    uint32     // the loop that wants to know
	written func(bool) // may be nil
	next    *parcel    // in conn.parcels
}

func (p *parcel) apply(l *loop, c *conn) {
	if c == nil || c.phase != phaseStream {
		p.tell(l, false)
		return
	}
	for _, st := range p.stanzas {
		if !c.deliver(st) {
			p.tell(l, false)
			return
		}
	}
	if p.written != nil {
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
			s.parcel.tell(l, s.conn.phase == phaseStream)
		}
	}
	l.parcels = l.parcels[:0]
}

// settle answers the parcels that waited.
func (c *conn) settle(ok bool) {
	for c.parcels != nil {
		p := c.parcels
		c.parcels, p.next = p.next, nil
		p.tell(c.loop, ok)
	}
}

// behind tells whether something waits for the peer to read.
func (c *conn) behind() bool { return c.backlog.size > 0 || c.transport.buffered() > 0 }
