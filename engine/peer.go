package engine

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"

	xtls "github.com/xylem-im/xylem/engine/tls"
	"github.com/xylem-im/xylem/s2s"
	"github.com/xylem-im/xylem/stanza"
)

// errTooManyConnections is why an outgoing stream could not be opened.
var errTooManyConnections = errors.New("this server has too many open connections; raise limits.connections or the open-files limit")

// peer is what a connection has instead of a client's session when another
// server is at its other end.
type peer struct {
	stream s2s.Stream
	domain *remoteDomain // whom a stream of ours was made for; nil: it is theirs
	target s2s.Target    // of a stream of ours

	known    []*remoteDomain // whose homes know of the stream
	security string
	proof    s2s.Proof
	order    order
	leaving  bool // nothing more is taken from it
	ended    bool
}

// openPeer adds a connection that another server has opened.
func (l *loop) openPeer(t transport, ln *listener) *conn {
	c := l.newConn(t)
	c.listener, c.more().peer = ln.index, &peer{}
	c.slot, c.generation = l.slots.add(c)
	l.stats.accepted.Add(1)
	c.peer.stream.Accept(&l.engine.peers, ln.TLS, l.now)
	if ln.TLS {
		c.startTLS()
	}
	c.rearm()
	return c
}

// connect begins a stream of ours on a connection that was dialled.
func (l *loop) connect(o *outgoing, t transport) *conn {
	c := l.newConn(t)
	c.more().peer = &peer{domain: o.domain, target: o.target, known: []*remoteDomain{o.domain}}
	c.slot, c.generation = l.slots.add(c)
	out := l.beginPeer()
	c.peer.stream.Connect(&l.engine.peers, o.pair, o.target.Direct, o.asks, l.now, out)
	c.performPeer(out)
	if o.target.Direct && c.phase == phaseStream {
		c.startTLS()
	}
	return c
}

// peerFilter is the TLS filter of a stream with another server.
func (c *conn) peerFilter() *xtls.Filter {
	e, p := c.loop.engine, c.peer
	local, _ := p.stream.Domains()
	if p.domain == nil {
		return xtls.Server(c.loop.engine.listenerOf(c).tlsConfig(local))
	}
	return xtls.Client(e.peerClientTLS(local, p.domain.name, p.target.Direct))
}

// judge computes, on a worker, what the peer's certificate proves.
func (e *Engine) judge(filter *xtls.Filter, server bool) s2s.Proof {
	chain := filter.Info().PeerCertificates
	if len(chain) == 0 || e.cfg.Federation.Judge == nil {
		return nil
	}
	return e.cfg.Federation.Judge(chain, server)
}

func (p *peer) secured(c *conn, proof s2s.Proof) {
	c.phase = phaseStream
	l := c.loop
	info := c.tls.Info()
	version, cipher := tls.VersionName(info.Version), tls.CipherSuiteName(info.CipherSuite)
	p.security, p.proof = version+", "+cipher, proof
	if p.domain != nil {
		l.toHome(p.domain, &remoteSecured{p.domain, c.ref(), p.security, p.verdict(p.domain.name)})
	}
	c.tls.KeepIn(&l.warmth)
	out := l.beginPeer()
	p.stream.SetSecured(l.now, &s2s.Security{Version: version, Cipher: cipher, Proof: proof}, out)
	c.performPeer(out)
	c.tls.Forget()
	c.decrypt(nil) // data may have come with the last flight
}

// verdict is what the record says of the peer's certificate.
func (p *peer) verdict(domain string) string {
	if p.proof == nil {
		return "no certificate was shown"
	}
	if err := p.proof.Proves(domain); err != nil {
		return err.Error()
	}
	return ""
}

// isPeer tells whether there is a stream with another server that has not ended.
func (c *conn) isPeer() bool {
	return c != nil && c.peer != nil && (c.phase == phaseStream || c.phase == phaseHandshake)
}

func (c *conn) ref() s2s.Ref { return s2s.Ref(c.mailbox()) }

func (p *peer) feed(c *conn, in []byte) (consumed int) {
	out := c.loop.beginPeer()
	consumed = p.stream.Feed(c.loop.now, in, out)
	c.performPeer(out)
	return consumed
}

func (p *peer) deadline() int64 { return p.stream.Deadline() }

func (p *peer) tick(c *conn) {
	out := c.loop.beginPeer()
	p.stream.Tick(c.loop.now, out)
	c.performPeer(out)
}

func (p *peer) fail(c *conn, e stanza.StreamError) {
	out := c.loop.beginPeer()
	p.stream.Fail(e, out)
	c.performPeer(out)
}

func (p *peer) release(l *loop) { p.stream.Release(&l.peerOut) }

func (p *peer) accountOrder() *order { return &p.order }

func (p *peer) outboundBytes(e *Engine) int {
	return max(e.limits.OutboundBytes, 2*e.cfg.Federation.QueueBytes+2*e.limits.StanzaBytes)
}

// overfull tells whether no more may be written to the other server before it has
// read and acknowledged: what comes meanwhile is returned to its sender.
func (p *peer) overfull(c *conn) bool {
	return p.stream.Full() || c.waitingBytes() > c.loop.engine.cfg.Federation.QueueBytes
}

// beginPeer prepares the loop's Out for a call of a stream.
func (l *loop) beginPeer() *s2s.Out {
	l.peerOut.Reset(l.tail)
	return &l.peerOut
}

// performPeer carries out what a stream has listed.
func (c *conn) performPeer(out *s2s.Out) {
	l := c.loop
	if len(out.Bytes) > 0 {
		c.write(out.Bytes)
	}
	l.advance(out.Bytes)
	if out.HasStanza {
		l.stats.peerIn.Add(1)
		l.fromPeer(c, out)
	}
	for i := range out.Events {
		c.peerEvent(&out.Events[i])
	}
	l.settlePeer(out)
	switch {
	case out.StartTLS:
		c.startTLS()
	case out.Ended:
		c.peer.end(c, out.Reason)
	case out.Close:
		c.sessionEnded(out.Reason)
		c.finish()
	}
	c.rearm()
}

// settlePeer tells the senders of what a stream has dealt with.
func (l *loop) settlePeer(out *s2s.Out) {
	for _, rc := range out.Settled {
		l.settleReceipt(ownReceipt(rc))
	}
}

// fromPeer routes a stanza of another server as if a client had sent it.
func (l *loop) fromPeer(c *conn, out *s2s.Out) {
	fw := stanza.Forward{From: out.From.String()}
	if lang := c.peer.stream.Lang(); lang != "en" { // what our own streams say of themselves
		fw.Lang = lang
	}
	number := c.peer.stream.Number()
	src := source{waits: waiter{mailbox: c.mailbox(), number: number}, stream: c}
	if out.Faulty {
		l.bounceTo(&src, &out.Stanza, out.To, fw.From, out.Fault)
		return
	}
	l.routeInOrder(&src, &out.Stanza, out.To, &fw)
	if src.waits.mailbox == 0 {
		c.peer.stream.Hold(number)
	}
}

// finishesPeer tells, when the server stops, that stanzas of another server are
// not dealt with yet: its stream ends when they are, and are acknowledged, and
// takes no more.
func (c *conn) finishesPeer() bool {
	if c.peer == nil || c.phase != phaseStream || c.peer.order.waiting+c.peer.stream.Held() == 0 {
		return false
	}
	c.peer.leaving = true
	return true
}

var askBytes = []byte(s2s.AskRequest)

// peerHandled goes on after a stanza that was dealt with.
func (c *conn) peerHandled(number uint32) {
	if c.phase != phaseStream {
		return
	}
	out := c.loop.beginPeer()
	c.peer.stream.Handled(number, out)
	c.performPeer(out)
}

// deliverPeer gives a stanza to the stream; false when that has ended. st must
// stay unchanged until the end of the turn.
func (c *conn) deliverPeer(p s2s.Pair, st []byte, rc receipt) bool {
	l := c.loop
	out := l.beginPeer()
	taken := c.peer.stream.Deliver(l.now, p, st, peerReceipt(rc), out)
	if len(out.Bytes) > 0 {
		c.write(out.Bytes)
	}
	l.advance(out.Bytes)
	if out.Pass {
		c.write(st)
	}
	if out.Ask {
		c.write(askBytes)
	}
	l.settlePeer(out)
	if taken {
		l.stats.peerOut.Add(1)
	}
	if out.Close {
		c.sessionEnded(out.Reason)
		c.finish()
	}
	c.rearm()
	return taken
}

// peerEvent passes on what happened on the stream.
func (c *conn) peerEvent(ev *s2s.Event) {
	l, e, p := c.loop, c.loop.engine, c.peer
	if ev.Kind == s2s.EventStep {
		if p.domain != nil {
			l.toHome(p.domain, &remoteEvent{domain: p.domain, ref: c.ref(), event: *ev})
		}
		return
	}
	d := e.remoteOf(ev.Pair.Remote)
	if d == nil {
		if ev.Kind == s2s.EventVerify {
			l.postControl(c.mailbox(), &answering{ev.Verify, s2s.Failed, errors.New("too many remote domains are in use")})
		}
		return
	}
	if ev.Kind == s2s.EventVerify {
		l.toHome(d, &remoteQuestion{d, c.ref(), ev.Verify})
		return
	}
	x := &remoteEvent{domain: d, ref: c.ref(), event: *ev}
	if ev.Kind != s2s.EventRefused && !slices.Contains(p.known, d) {
		p.known = append(p.known, d)
		x.joined = &s2s.StreamRecord{Ref: c.ref(), Outgoing: p.domain != nil, Address: addrString(c.transport.remote()),
			Security: p.security, Verdict: p.verdict(d.name)}
	}
	l.toHome(d, x)
	if ev.Kind == s2s.EventRefused {
		e.log.Info("federation refused", "local", ev.Pair.Local, "remote", ev.Pair.Remote, "reason", ev.Err)
	} else {
		e.log.Debug("federation", "local", ev.Pair.Local, "remote", ev.Pair.Remote, "sends", ev.Kind == s2s.EventReady, "method", ev.Method.String())
	}
}

// end tells the homes of all domains that the stream was for.
func (p *peer) end(c *conn, reason error) {
	l := c.loop
	if p.ended {
		return
	}
	p.ended = true
	if reason != nil && p.domain != nil {
		reason = fmt.Errorf("stream to %s: %w", p.domain.name, reason)
	}
	returned := p.returned(reason, l)
	for _, d := range p.known {
		l.toHome(d, &remoteClosed{d, c.ref(), reason, returned[d.name]})
	}
}

// returned is what the peer has not acknowledged, by remote domain, but for a
// stanza that goes back to its sender because the peer ended the stream over it.
func (p *peer) returned(reason error, l *loop) map[string][]unsent {
	var pairs []s2s.Pair
	var stanzas [][]byte
	var receipts []s2s.Receipt
	p.stream.Unacked(func(pair s2s.Pair, st []byte, rc s2s.Receipt) bool {
		pairs, stanzas, receipts = append(pairs, pair), append(stanzas, slices.Clone(st)), append(receipts, rc)
		return true
	})
	culprit := s2s.Culprit(reason, stanzas)
	list := make(map[string][]unsent)
	for i, st := range stanzas {
		if i == culprit {
			l.bounceRemote(st, ownReceipt(receipts[i]), refusedBy(pairs[i].Remote, reason))
			continue
		}
		list[pairs[i].Remote] = append(list[pairs[i].Remote], unsent{pairs[i].Local, st, receipts[i]})
	}
	return list
}

// refusedBy is what the sender of a stanza gets over which a server has ended its
// stream.
func refusedBy(remote string, reason error) stanza.Error {
	var pe stanza.PeerError
	if errors.As(reason, &pe) && pe.Condition == stanza.StreamPolicyViolation {
		return stanza.Error{Condition: stanza.PolicyViolation, Text: remote + " does not take it: it may be too large; " + pe.Error()}
	}
	return stanza.Error{Condition: stanza.UndefinedCondition, Text: remote + " does not take it: " + reason.Error()}
}
