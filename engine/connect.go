package engine

import (
	"context"

	"github.com/xylem-im/xylem/s2s"
)

// find looks for the servers of a remote domain, beside the loop.
func (l *loop) find(d *remoteDomain) {
	e := l.engine
	e.beside(func(ctx context.Context) {
		targets, err := e.cfg.Federation.Connector.Find(ctx, d.name, e.stepOf(d))
		e.sendLoop(d.loop, remoteCall{d, func(l *loop, r *s2s.Remote) { r.Found(l.now, targets, err, &l.actions) }})
	})
}

// dial connects to one of targets and begins a stream on this loop, the home of
// the remote domain.
func (l *loop) dial(d *remoteDomain, a *s2s.Action) {
	e, o := l.engine, &outgoing{loop: l, domain: d, pair: a.Pair, asks: a.Asks}
	targets := a.Targets
	e.beside(func(ctx context.Context) {
		if !e.admission.admit() {
			o.failed(errTooManyConnections)
			return
		}
		conn, used, err := e.cfg.Federation.Connector.Dial(ctx, targets, e.stepOf(d))
		if err == nil {
			o.target, o.used = targets[used], used
			remote := conn.RemoteAddr()
			o.address = remote.String()
			var fd int
			if fd, err = descriptorOf(conn); err == nil {
				o.socket = newSocket(fd, remote, nil)
				e.sendLoop(l.index, o)
			}
		}
		if err != nil {
			e.admission.release()
			o.failed(err)
		}
	})
}

// beside runs f on a goroutine of its own, a bounded number at a time.
func (e *Engine) beside(f func(context.Context)) {
	go func() {
		select {
		case e.dials <- struct{}{}:
		case <-e.dialing.Done():
			return
		}
		defer func() { <-e.dials }()
		ctx, cancel := context.WithTimeout(e.dialing, e.cfg.Federation.DialTime)
		defer cancel()
		f(ctx)
	}()
}

// stepOf passes what resolver and dialer find out on to the record of a domain.
func (e *Engine) stepOf(d *remoteDomain) func(string) {
	return func(text string) {
		e.sendLoop(d.loop, remoteCall{d, func(l *loop, r *s2s.Remote) { r.Step(l.now, text) }})
	}
}

// remoteCall does something with a Remote at its home.
type remoteCall struct {
	domain *remoteDomain
	f      func(*loop, *s2s.Remote)
}

func (x remoteCall) apply(l *loop, _ *conn) {
	r := l.remote(x.domain)
	x.f(l, r)
	l.act(x.domain, r)
}

// outgoing is a connection of ours on its way to the loop.
type outgoing struct {
	loop    *loop
	domain  *remoteDomain
	pair    s2s.Pair
	target  s2s.Target
	used    int // its index
	asks    bool
	address string
	socket  *socket
}

// failed answers the dial.
func (o *outgoing) failed(err error) {
	o.loop.engine.sendLoop(o.domain.loop, remoteCall{o.domain, func(l *loop, r *s2s.Remote) {
		r.Dialed(l.now, 0, "", 0, err, &l.actions)
	}})
}

// apply begins the stream.
func (o *outgoing) apply(l *loop, _ *conn) {
	if err := o.socket.open(l); err != nil {
		l.engine.admission.release()
		o.failed(err)
		return
	}
	c := l.connect(o, o.socket)
	o.socket.use(c)
	r := l.remote(o.domain)
	r.Dialed(l.now, s2s.Ref(c.mailbox()), o.address, o.used, nil, &l.actions)
	l.act(o.domain, r)
}
