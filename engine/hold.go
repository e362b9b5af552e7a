package engine

import (
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

const (
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

// storeFails says at the sender's session that what is held may be held for
// long: it is read all the same, so that its own acknowledgements are.
type storeFails struct{}

func (storeFails) apply(_ *loop, c *conn) {
	if c != nil && c.receives() && !c.unstored {
		c.more().unstored = true
		c.resume()
	}
}

// settled is the end of what the receipts from first to last were for.
func (c *conn) settled(first, last uint32) {
	if !c.receives() {
		return
	}
	full := c.heldTooMany()
	if c.unstored {
		c.unstored = false
	}
	if c.peer != nil {
		for seq := first; ; seq++ {
			c.peerHandled(seq)
			if seq == last {
				break
			}
		}
	} else {
		out := c.loop.begin()
		c.session.Settle(first, last, out)
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
