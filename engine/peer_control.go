package engine

import "github.com/xylem-im/xylem/s2s"

// requesting has one more pair proved on a stream of ours.
type requesting struct {
	domain *remoteDomain
	pair   s2s.Pair
}

func (x *requesting) apply(l *loop, c *conn) {
	if !c.isPeer() {
		return // the home hears of the stream's end
	}
	out := l.beginPeer()
	ok := c.peer.stream.Request(l.now, x.pair, out)
	c.performPeer(out)
	if !ok {
		ref, local := c.ref(), x.pair.Local
		l.toHome(x.domain, remoteCall{x.domain, func(l *loop, r *s2s.Remote) { r.Refused(l.now, ref, local, &l.actions) }})
	}
}

// asking sends a question of dialback.
type asking struct {
	domain *remoteDomain
	verify s2s.Verify
}

func (x *asking) apply(l *loop, c *conn) {
	if c.isPeer() {
		out := l.beginPeer()
		c.peer.stream.Ask(l.now, x.verify, out)
		c.performPeer(out)
	}
}

// answering brings the answer to the stream that wants to know.
type answering struct {
	verify s2s.Verify
	result s2s.Verdict
	err    error
}

func (x *answering) apply(l *loop, c *conn) {
	if c.isPeer() {
		out := l.beginPeer()
		c.peer.stream.Verified(l.now, x.verify, x.result, x.err, out)
		c.performPeer(out)
	}
}

// endingPeer closes a stream that is of no use.
type endingPeer struct{ reason error }

func (x *endingPeer) apply(l *loop, c *conn) {
	if c == nil || c.peer == nil {
		return
	}
	if c.phase == phaseHandshake {
		c.abort(x.reason)
		return
	}
	if c.phase == phaseStream {
		out := l.beginPeer()
		c.peer.stream.End(x.reason, out)
		c.performPeer(out)
	}
}
