package engine

import (
	"strings"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

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
			fw.ID = strings.Clone(fw.ID) // a hook may make others
		}
		l.hookReceived(&r.src, req.View, to, fw, targets, marks)
		if held {
			req.StanzaID = fw.ID
			reg.ServeOffline(a, req, stanza.ServiceUnavailable)
			return
		}
		l.send(&r.src, req.View, to, targets, fw, wait)
		req.Done()
	case routing.Offline:
		l.identify(req.View, to.Bare(), fw)
		req.StanzaID = strings.Clone(fw.ID)
		fw.ID = req.StanzaID
		l.hookReceived(&r.src, req.View, to, fw, nil, marksOf(decision.Domain.Lookup(to.Local(), nil)))
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
