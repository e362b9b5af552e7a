package engine

import (
	"strings"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/s2s"
	"github.com/xylem-im/xylem/stanza"
)

// Each remote domain has a home loop, where its Remote keeps what waits for it
// and knows which stream takes what. Stanzas go there from all loops, and on to
// the stream, which for streams of ours is on the same loop.

// sendRemote hands a stanza for a domain that has no accounts here to its
// component, or to the home of another server's domain.
func (l *loop) sendRemote(src *source, v *stanza.View, to jid.View, fw *stanza.Forward) {
	e := l.engine
	if d := e.components.find(to.Domain()); d != nil {
		l.sendComponent(src, d, v, to, fw)
		return
	}
	if !e.federates() {
		l.bounceTo(src, v, to, fw.From, stanza.Error{Condition: stanza.RemoteServerNotFound, Text: "this server does not federate"})
		return
	}
	d := e.remoteOf(to.Domain())
	if d == nil {
		l.bounceTo(src, v, to, fw.From, stanza.Error{Condition: stanza.ResourceConstraint, Text: "too many remote domains are in use"})
		return
	}
	if e.cfg.DurableAck && isLasting(v) && !src.hold() {
		l.bounceTo(src, v, to, fw.From, stanza.Error{Condition: stanza.ResourceConstraint, Text: "too much of this session waits for other servers"})
		return
	}
	b := l.batchFor(d.loop)
	off := len(b.data)
	b.data = stanza.AppendForward(b.data, v, fw)
	b.entries = append(b.entries, remoteEntry(entryRemote, 0, off, len(b.data), d, domainOf(fw.From), src.receipt))
	src.receipt = receipt{}
}

// remoteEntry is one of the kinds that are for a remote domain.
func remoteEntry(kind entryKind, to routing.Mailbox, off, end int, d *remoteDomain, local string, rc receipt) entry {
	return entry{kind: kind, to: to, off: uint32(off), end: uint32(end), ctl: d, addressee: local,
		origin: rc.origin, seq: rc.seq, wanted: rc.wanted}
}

// peerReceipt is rc as package s2s hands it on.
func peerReceipt(rc receipt) s2s.Receipt {
	if !rc.wanted {
		return s2s.Receipt{}
	}
	return s2s.Receipt{Origin: uint64(rc.origin), Seq: rc.seq}
}

// ownReceipt is the reverse.
func ownReceipt(rc s2s.Receipt) receipt {
	return receipt{origin: routing.Mailbox(rc.Origin), seq: rc.Seq, wanted: rc.Origin != 0}
}

// domainOf is the domainpart of a prepared address.
func domainOf(address string) string {
	bare, _, _ := strings.Cut(address, "/")
	return bare[strings.IndexByte(bare, '@')+1:]
}

// postRemote hands a rendered stanza to the home of a remote domain; back: it
// returns from a stream that has ended.
func (l *loop) postRemote(d *remoteDomain, local string, st []byte, rc receipt, back bool) {
	b := l.batchFor(d.loop)
	off := len(b.data)
	b.data = append(b.data, st...)
	e := remoteEntry(entryRemote, 0, off, len(b.data), d, local, rc)
	e.back = back
	b.entries = append(b.entries, e)
}

// postPeer hands a rendered stanza to a stream on another loop.
func (l *loop) postPeer(ref s2s.Ref, d *remoteDomain, local string, st []byte, rc receipt) {
	b := l.batchFor(mailboxLoop(routing.Mailbox(ref)))
	off := len(b.data)
	b.data = append(b.data, st...)
	b.entries = append(b.entries, remoteEntry(entryPeer, routing.Mailbox(ref), off, len(b.data), d, local, rc))
}

// remote is the record of a remote domain at this loop, its home.
func (l *loop) remote(d *remoteDomain) *s2s.Remote {
	r := l.remotes[d.name]
	if r.Remote == nil {
		r = remote{s2s.NewRemote(&l.engine.remoteConfig, d.name), d}
		l.remotes[d.name] = r
	}
	return r.Remote
}

// remote is what a loop keeps of a remote domain that is at home there.
type remote struct {
	*s2s.Remote
	domain *remoteDomain
}

// toRemote gives a stanza to the stream that takes it, or has it wait for one.
func (l *loop) toRemote(d *remoteDomain, local string, st []byte, rc receipt, back bool) {
	r := l.remote(d)
	ref, ok := r.Route(local)
	if !ok || back {
		r.Send(l.now, local, st, peerReceipt(rc), back, &l.actions)
		l.act(d, r)
		return
	}
	l.toStream(ref, d, local, st, rc)
}

// toStream gives a stanza to the stream that is to carry it: at once if that is on
// this loop, whether the stanza has just come or has waited, so that neither overtakes the other.
func (l *loop) toStream(ref s2s.Ref, d *remoteDomain, local string, st []byte, rc receipt) {
	mb := routing.Mailbox(ref)
	if mailboxLoop(mb) != l.index {
		l.postPeer(ref, d, local, st, rc)
		return
	}
	l.toPeer(l.slots.find(mb), d, local, st, rc)
}

// toPeer gives a stanza to a stream, or sends it back to the remote domain's
// home when that has ended.
func (l *loop) toPeer(c *conn, d *remoteDomain, local string, st []byte, rc receipt) {
	if c != nil && c.peer != nil && c.peer.overfull(c) {
		l.bounceRemote(st, rc, stanza.Error{Condition: stanza.ResourceConstraint, Text: d.name + " does not keep up with what it is sent"})
		return
	}
	if c == nil || c.peer == nil || c.phase != phaseStream || !c.deliverPeer(s2s.Pair{Local: local, Remote: d.name}, st, rc) {
		l.postRemote(d, local, st, rc, true)
	}
}

// act carries out what a Remote has listed.
func (l *loop) act(d *remoteDomain, r *s2s.Remote) {
	for i := range l.actions.List {
		a := &l.actions.List[i]
		mb := routing.Mailbox(a.Ref)
		switch a.Kind {
		case s2s.ActionFind:
			l.find(d)
		case s2s.ActionDial:
			l.dial(d, a)
		case s2s.ActionDeliver:
			l.toStream(a.Ref, d, a.Pair.Local, a.Stanza, ownReceipt(a.Receipt))
		case s2s.ActionBounce:
			l.bounceRemote(a.Stanza, ownReceipt(a.Receipt), a.Error)
		case s2s.ActionRequest:
			l.postControl(mb, &requesting{d, a.Pair})
		case s2s.ActionAsk:
			l.postControl(mb, &asking{d, a.Verify})
		case s2s.ActionAnswer:
			l.postControl(mb, &answering{a.Verify, a.Result, a.Err})
		case s2s.ActionSettle:
			l.postControl(mb, &settling{d, a.Ref, a.Pair.Local})
		case s2s.ActionEnd:
			l.postControl(mb, &endingPeer{a.Err})
		}
	}
	l.actions.Reset()
	if due := r.Deadline(); due != 0 && (l.remoteDue == 0 || due < l.remoteDue) {
		l.remoteDue = due
	}
}

// bounceRemote returns a stanza that cannot be sent to its sender, who waits for
// nothing any more.
func (l *loop) bounceRemote(st []byte, rc receipt, e stanza.Error) {
	defer l.settleReceipt(rc)
	v, err := l.inbound.read(st)
	if err != nil {
		l.engine.log.Error("stanza lost on its way", "error", err)
		return
	}
	from, to := string(parser.Unescape(v.From())), string(parser.Unescape(v.To()))
	if to, err := l.viewOf([]byte(to)); err == nil {
		l.bounceTo(&source{}, &v, to, from, e)
	}
}

const remoteIdle = int64(600e9) // nanoseconds for which a record is kept that nobody needs

// tickRemotes has remote domains act on their deadlines and forgets old ones.
func (l *loop) tickRemotes() {
	if l.remoteDue != 0 && l.now >= l.remoteDue {
		l.remoteDue = 0
		for _, r := range l.remotes {
			if due := r.Deadline(); due != 0 && l.now >= due {
				r.Tick(l.now, &l.actions)
			}
			l.act(r.domain, r.Remote)
		}
	}
	n := 0
	for name, r := range l.remotes {
		if r.Idle(l.now - remoteIdle) {
			delete(l.remotes, name)
			l.engine.forgetRemote(name)
		}
		if n++; n == homeSweep {
			return
		}
	}
}

// remoteEvent tells the home of a remote domain what happened on a stream.
type remoteEvent struct {
	domain *remoteDomain
	ref    s2s.Ref
	joined *s2s.StreamRecord // first: the stream, if the home does not know it
	event  s2s.Event
}

func (x *remoteEvent) apply(l *loop, _ *conn) {
	r := l.remote(x.domain)
	if x.joined != nil {
		r.Joined(l.now, *x.joined)
	}
	r.Event(l.now, x.ref, &x.event, &l.actions)
	l.act(x.domain, r)
}

// remoteSecured tells it what TLS has shown.
type remoteSecured struct {
	domain            *remoteDomain
	ref               s2s.Ref
	security, verdict string
}

func (x *remoteSecured) apply(l *loop, _ *conn) {
	l.remote(x.domain).Secured(x.ref, x.security, x.verdict)
}

// remoteClosed tells it that a stream has ended, with what the peer has not
// acknowledged.
type remoteClosed struct {
	domain   *remoteDomain
	ref      s2s.Ref
	reason   error
	returned []unsent
}

type unsent struct {
	local string
	st    []byte
	rc    s2s.Receipt
}

func (x *remoteClosed) apply(l *loop, _ *conn) {
	r := l.remote(x.domain)
	for _, u := range x.returned {
		r.Return(l.now, u.local, u.st, u.rc)
	}
	r.Closed(l.now, x.ref, x.reason, &l.actions)
	l.act(x.domain, r)
}

// remoteQuestion brings it a question of dialback.
type remoteQuestion struct {
	domain *remoteDomain
	from   s2s.Ref
	verify s2s.Verify
}

func (x *remoteQuestion) apply(l *loop, _ *conn) {
	r := l.remote(x.domain)
	r.Verify(l.now, x.verify, x.from, &l.actions)
	l.act(x.domain, r)
}

// settling comes back from a stream's loop behind what that has sent back.
type settling struct {
	domain *remoteDomain
	ref    s2s.Ref
	local  string
}

func (x *settling) apply(l *loop, _ *conn) {
	l.toHome(x.domain, remoteCall{x.domain, func(l *loop, r *s2s.Remote) {
		r.Settled(l.now, x.ref, x.local, &l.actions)
	}})
}

// toHome hands a control to the home of a remote domain.
func (l *loop) toHome(d *remoteDomain, ctl control) {
	b := l.batchFor(d.loop)
	b.entries = append(b.entries, entry{kind: entryControl, ctl: ctl})
}
