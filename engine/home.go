package engine

import (
	"hash/maphash"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// homeLoop is the loop where an account is at home.
func (e *Engine) homeLoop(bare string) uint32 {
	return uint32(e.hashOf(bare) % uint64(len(e.loops)))
}

// hashOf is where an account has its place.
func (e *Engine) hashOf(bare string) uint64 { return maphash.String(e.seed, bare) }

// home is the account as this loop, its home, knows it. bare may be borrowed.
func (l *loop) home(bare jid.JID) *xep.Home {
	if a, _ := l.homes.find(bare); a != nil {
		a.Used = l.seconds()
		return a
	}
	return l.ownedHome(bare.Clone())
}

// ownedHome is home for an address that may be kept.
func (l *loop) ownedHome(bare jid.JID) *xep.Home {
	a, _ := l.homes.find(bare)
	if a == nil {
		a = xep.NewHome(&l.seat, bare)
		l.homes.add(a)
	}
	a.Used = l.seconds()
	return a
}

// seconds is the time of this turn as Home.Used has it.
func (l *loop) seconds() uint32 { return uint32(l.now / 1e9) }

const (
	homeIdle  = 60  // seconds without use until an account is forgotten
	homeSweep = 512 // accounts looked at in one tick
)

// forgetHomes drops accounts that nobody needs any more, a few at a time; the
// walk through a map begins at a random place.
func (l *loop) forgetHomes() {
	n := 0
	for key, a := range l.homes.table {
		if a.Sessions() == 0 && a.Busy == 0 && l.seconds()-a.Used > homeIdle {
			l.homes.remove(key)
		}
		if n++; n == homeSweep {
			return
		}
	}
}

// work is what a home is asked to do with a stanza.
type work uint8

const (
	workServer   work = iota // an IQ to the domain, at the home of its sender
	workAccount              // an IQ to the account
	workPresence             // a presence that the account sends, or that is for itself
	workOffline              // a message that no session may have now
	workOutgoing             // what a filtered account sends to others
	workIncoming             // what is for the sessions of a filtered account, and guarded requests
)

// source is where a stanza comes from, as far as it is known here.
type source struct {
	conn    *conn           // the sender's connection, on its own loop only
	origin  routing.Mailbox // the sender's session; 0: none of this server's
	waits   waiter          // who goes on when the stanza is dealt with
	stream  *conn           // the stream of another server, or a component, that it came on; on its own loop only
	passed  bool            // the addressee's filters have been asked
	receipt                 // of a message that its sender holds; whoever deals with it settles it
	marks   xep.Mark        // of the sender, until the hooks on what it sends were called
}

// order is that of the stream that the stanza came on; nil: of none.
func (src *source) order() *order {
	if src.stream == nil {
		return nil
	}
	return src.stream.order()
}

// request carries a stanza to a home.
type request struct {
	work work
	bare jid.JID // whose home
	raw  []byte  // the stanza as it goes out, with from
	src  source  // without conn
	cond stanza.Condition
}

// handIn renders a stanza and hands it to a home. The session that sent it
// consumes nothing until it was dealt with, or nothing but further messages, see
// burst: so a client's stanzas keep their order, and one that outruns the disk is
// slowed down.
func (l *loop) handIn(src *source, w work, bare jid.JID, v *stanza.View, fw *stanza.Forward, cond stanza.Condition) {
	r := &request{work: w, bare: bare.Clone(), raw: stanza.AppendForward(nil, v, fw), src: *src, cond: cond}
	if l.engine.cfg.DurableAck && isLasting(v) && src.hold() {
		r.src.receipt, r.src.waits = src.receipt, src.waits
	}
	if src.conn != nil {
		if r.src.conn = nil; w == workOffline && l.mayGoOn(src.conn, v, r.src.receipt) {
			r.src.waits = l.follow(src.origin, r.bare.String(), len(r.raw))
		} else {
			r.src.waits = waiter{mailbox: src.origin}
			src.conn.session.Wait()
		}
	}
	if src.stream != nil {
		src.order().sent(r.bare.String())
		r.src.waits.account, r.src.stream = r.bare.String(), nil
	}
	src.waits, src.receipt = waiter{}, receipt{} // the request goes on with it
	l.postHome(bare.String(), r)
}

// postHome hands something to do to an account's home.
func (l *loop) postHome(bare string, ctl control) {
	b := l.batchFor(l.engine.homeLoop(bare))
	b.entries = append(b.entries, entry{kind: entryControl, ctl: ctl})
}

func (r *request) apply(l *loop, _ *conn) {
	a := l.home(r.bare)
	if a.IsPrepared() {
		l.handle(r, a, nil)
		return
	}
	a.Prepared(func(err error) { l.handle(r, a, err) })
}

// handle does what r asks for; unready is why the account's home knows too
// little to do it.
func (l *loop) handle(r *request, a *xep.Home, unready error) {
	v, err := l.requests.read(r.raw)
	if err != nil {
		l.engine.log.Error("stanza lost on its way", "error", err)
		l.settleReceipt(r.src.receipt)
		l.goOn(r.src.waits)
		return
	}
	req, to, ok := l.request(r, &v)
	switch {
	case !ok:
		l.settleReceipt(r.src.receipt)
		l.goOn(r.src.waits)
	case unready != nil:
		req.Error(xep.StorageError(unready))
	case r.src.passed || l.engine.registry.Allow(a, req):
		l.serve(r, a, req, to)
	}
}

// serve does the work at the home.
func (l *loop) serve(r *request, a *xep.Home, req *xep.Request, to jid.View) {
	reg := l.engine.registry
	switch r.work {
	case workServer:
		reg.ServeIQ(xep.Server, a, req)
	case workAccount:
		reg.ServeIQ(xep.Account, a, req)
	case workPresence:
		reg.ServePresence(a, req)
	case workOffline:
		l.serveOffline(r, a, req, to)
	case workOutgoing:
		src := r.src
		l.route(&src, req.View, to, &stanza.Forward{From: req.From.String()})
		l.settleReceipt(src.receipt)
		l.goOn(src.waits)
	case workIncoming:
		refusal, guarded := l.engine.guarded(req.View)
		if !guarded {
			l.letPass(r, req)
			return
		}
		reg.MaySeeResource(a, req.To.Resource(), req.From, func(ok bool) {
			if !ok {
				req.Error(stanza.Error{Condition: refusal})
				return
			}
			l.letPass(r, req)
		})
	}
}

// letPass routes what the addressee's home has let pass. It may be called
// after the turn in which the stanza was read.
func (l *loop) letPass(r *request, req *xep.Request) {
	src := r.src
	src.passed = true
	if v, err := l.requests.read(r.raw); err == nil { // it was read before
		l.route(&src, &v, req.To.View(), &stanza.Forward{From: req.From.String()})
	}
	l.settleReceipt(src.receipt) // unless somebody else does
	l.goOn(src.waits)
}

// serveOffline gives a message to whoever stores it, unless the account has
// become available in the meantime, or nothing older waits any more: its
// sessions pass through its home.
func (l *loop) serveOffline(r *request, a *xep.Home, req *xep.Request, to jid.View) {
	reg := l.engine.registry
	fw := &stanza.Forward{From: req.From.String()}
	decision, targets := l.engine.table.Route(to, req.View.Kind, req.View.Type, nil)
	switch decision.Verdict {
	case routing.Delivered:
		if l.awaitOpened(r, a, targets) {
			return
		}
		marks := marksOf(targets)
		held := isHeld(req.View, targets) && reg.MustHold(a, req, appendResources(nil, targets))
		wait := -1
		if !held {
			wait = l.heldFor(req.View, targets)
		}
		if held || wait >= 0 || marks&xep.MarkArchive != 0 {
			l.identify(req.View, to.Bare(), fw)
		}
		l.hookReceived(req.View, to, fw, targets, marks)
		if held {
			req.StanzaID = fw.ID
			reg.ServeOffline(a, req, stanza.ServiceUnavailable)
			return
		}
		l.send(&r.src, req.View, to, targets, fw, wait)
		req.Done()
	case routing.Offline:
		l.identify(req.View, to.Bare(), fw)
		req.StanzaID = fw.ID
		l.hookReceived(req.View, to, fw, nil, marksOf(decision.Domain.Lookup(to.Local(), nil)))
		reg.ServeOffline(a, req, r.cond)
	case routing.Bounce:
		req.Error(stanza.Error{Condition: decision.Condition})
	default:
		req.Done()
	}
}

// request makes what handlers see of r.
func (l *loop) request(r *request, v *stanza.View) (req *xep.Request, to jid.View, ok bool) {
	from, err := jid.ParseBytes(parser.Unescape(v.From()))
	if err != nil {
		return nil, to, false
	}
	if raw := v.To(); len(raw) > 0 {
		if to, err = l.viewOf(parser.Unescape(raw)); err != nil {
			return nil, to, false
		}
	}
	origin, waits, src := r.src.origin, r.src.waits, &r.src
	req = xep.NewRequest(v, from, to.Clone(),
		func(b []byte) { l.replyTo(src, b) },
		func() {
			l.settleReceipt(src.receipt) // unless somebody else does
			l.goOn(waits)
		})
	req.Own = from.Bare() == r.bare
	if origin != 0 {
		req.Session = xep.SessionRef{JID: from, ID: uint64(origin)}
	}
	return req, to, true
}

// replyTo gives a rendered reply to the session that asked, or routes it when
// that is none of ours. A reply to another server takes the receipt along: the
// stanza counts as handled when that server has the error.
func (l *loop) replyTo(src *source, b []byte) {
	if src.origin != 0 {
		l.postStanza(src.origin, b)
		return
	}
	reply := source{receipt: src.receipt}
	if err := l.routeRaw(&reply, append([]byte(nil), b...)); err != nil {
		l.engine.log.Error("stanza lost on its way", "error", err)
	}
	src.receipt = reply.receipt
}

// goOn lets a session that waits go on. It is handed over behind all else of
// this turn, so that what the session does next cannot overtake it.
func (l *loop) goOn(w waiter) {
	mb := w.mailbox
	if mb == 0 {
		return
	}
	index := mailboxLoop(mb)
	if l.late[index] == nil {
		l.late[index] = l.engine.pool.get()
	}
	l.late[index].entries = append(l.late[index].entries, entry{to: mb, kind: entryControl, ctl: goingOn{w}})
}

// waiter is who waits until a stanza is dealt with: a session, a component, or a
// stream with another server, which has given the stanza a number.
type waiter struct {
	mailbox routing.Mailbox // 0: nobody
	number  uint32
	held    bool   // the stream counts the stanza when its receipt is settled
	account string // with whose home the stanza of a stream is, or the message of a burst
}

// goingOn ends a wait.
type goingOn struct{ waiter }

func (g goingOn) apply(l *loop, c *conn) {
	switch {
	case l.followed(g.waiter, c):
		return
	case c == nil:
		return
	case c.order() != nil:
		c.dealtWith(g.waiter)
	default:
		c.complete(&session.Result{})
	}
	c.resume()
}

// opened tells an account's home of a new session, which waits for it.
type opened struct {
	session xep.SessionRef
	earlier uint64 // SessionRef.ID of the session that had the resource before; 0: none
}

// apply opens the session. It comes by way of the loop of the earlier session, and
// the session may have ended by then: closed, which comes straight from its own
// loop, was here first, and neither is told to extensions.
func (o *opened) apply(l *loop, _ *conn) {
	a := l.ownedHome(o.session.JID.Bare())
	a.Prepared(func(error) { l.openSession(a, o) })
}

func (l *loop) openSession(a *xep.Home, o *opened) {
	if before := l.unopened[o.earlier]; before != nil && before.closed {
		before.successor = o // what the session before the earlier one has left is on its way
		return
	}
	id := o.session.ID
	un := l.unopened[id]
	if un != nil && un.closed {
		delete(l.unopened, id)
		l.handleAll(un.requests, a)
		if un.successor != nil {
			l.openSession(a, un.successor)
		}
		return
	}
	l.known(a, o.session)
	l.engine.registry.SessionOpened(a, o.session, func() { l.goOn(waiter{mailbox: routing.Mailbox(id)}) })
}

// unopened is what comes to a home for a session before opened does.
type unopened struct {
	requests  []*request // messages for it
	closed    bool       // it has ended
	successor *opened    // the session that has its resource since
}

// unopenedOf is the record of a session that the home does not know.
func (l *loop) unopenedOf(id uint64) *unopened {
	un := l.unopened[id]
	if un == nil {
		un = &unopened{}
		l.unopened[id] = un
	}
	return un
}

// awaitOpened lets a message wait that is for a session of which this home does
// not know yet: what the session before it has left comes first.
func (l *loop) awaitOpened(r *request, a *xep.Home, targets []routing.Entry) bool {
	for i := range targets {
		id := uint64(targets[i].Mailbox)
		if xep.Mark(targets[i].Flags)&xep.MarkHeld != 0 && !a.Knows(id) {
			un := l.unopenedOf(id)
			un.requests = append(un.requests, r)
			return true
		}
	}
	return false
}

// known notes that a session was opened, and goes on with what waited for that.
func (l *loop) known(a *xep.Home, s xep.SessionRef) {
	a.Enter(s)
	if un := l.unopened[s.ID]; un != nil {
		delete(l.unopened, s.ID)
		l.handleAll(un.requests, a)
	}
}

func (l *loop) handleAll(waiting []*request, a *xep.Home) {
	for _, r := range waiting {
		l.handle(r, a, nil)
	}
}

// closed tells an account's home that a session has ended.
type closed struct{ session xep.SessionRef }

func (o *closed) apply(l *loop, _ *conn) {
	a := l.home(o.session.JID.Bare())
	a.Prepared(func(error) {
		if !a.Leave(o.session) {
			l.unopenedOf(o.session.ID).closed = true // see opened
			return
		}
		l.engine.registry.SessionClosed(a, o.session)
	})
}

// visit runs a function at an account's home.
type visit struct {
	bare jid.JID
	f    func(*xep.Home)
}

func (t *visit) apply(l *loop, _ *conn) {
	a := l.home(t.bare)
	a.Prepared(func(error) { t.f(a) })
}
