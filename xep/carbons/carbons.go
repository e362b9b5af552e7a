// Package carbons copies an account's messages to those of its sessions that
// asked for it: XEP-0280 version 1.0.1, wrapped by XEP-0297 version 1.0.
//
// A session that gets copies carries xep.MarkCarbons, and all sessions of its
// account xep.MarkAccountCarbons, so that only messages of such accounts are
// looked at, and of these not what an account's only session sends or gets. Copies
// go to their session or nowhere: they are neither stored nor routed anew, and
// nobody hears of it when one is lost (§10.2). They are made where the message is
// routed, so they may arrive before or after what the same session gets by other
// ways.
//
// A message that waits behind older ones for its addressee (see package
// offline) is copied at once. What is delivered from the offline store was
// copied when it came.
package carbons

import (
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// Register adds the extension.
func Register(r *xep.Registry) error {
	r.Feature(xep.Server, stanza.NSCarbons)
	r.Feature(xep.Account, stanza.NSCarbons)
	err := r.Inline(xep.Inline{Feature: stanza.NSCarbons, Namespace: stanza.NSCarbons, Name: "enable",
		Own: xep.MarkCarbons, Account: xep.MarkAccountCarbons}) // XEP-0386 §4.2
	if err != nil {
		return err
	}
	r.Session(xep.Session{Opened: opened, Closed: func(a *xep.Home, _ xep.SessionRef) { review(a) }})
	err = r.SetCopier(xep.Copier{Account: xep.MarkAccountCarbons, Session: xep.MarkCarbons, Copied: copied, Begin: begin,
		End: [...]string{xep.Sent: endOf("sent"), xep.Received: endOf("received")}})
	if err != nil {
		return err
	}
	for name, handle := range map[string]func(*xep.Home, *xep.Request){"enable": enable, "disable": disable} {
		h := xep.IQ{Target: xep.Account, Set: true, Namespace: stanza.NSCarbons, Name: name, Handle: handle}
		if err := r.IQ(h); err != nil {
			return err
		}
	}
	return nil
}

// enable is §4; again it does nothing.
func enable(a *xep.Home, req *xep.Request) {
	if !req.Own {
		req.Error(stanza.Error{Condition: stanza.NotAllowed}) // §4.1
		return
	}
	a.Mark(req.Session.JID, xep.MarkCarbons, 0)
	a.Mark(a.JID(), xep.MarkAccountCarbons, 0)
	req.Result(nil)
}

// disable is §5.
func disable(a *xep.Home, req *xep.Request) {
	if !req.Own {
		req.Error(stanza.Error{Condition: stanza.NotAllowed}) // §5.1
		return
	}
	a.Mark(req.Session.JID, 0, xep.MarkCarbons)
	review(a)
	req.Result(nil)
}

// opened marks a session that was bound while the account's others got their
// marks, and all of them for one that switched carbons on as it was bound: review
// may have run since.
func opened(a *xep.Home, s xep.SessionRef, done func()) {
	if anyCarbons(a) {
		a.Mark(a.JID(), xep.MarkAccountCarbons, 0)
	}
	done()
}

// review takes the account's mark away with the last session that gets copies.
func review(a *xep.Home) {
	if !anyCarbons(a) {
		a.Mark(a.JID(), 0, xep.MarkAccountCarbons)
	}
}

func anyCarbons(a *xep.Home) bool {
	for _, r := range a.Resources(a.JID(), nil) {
		if r.Marks&xep.MarkCarbons != 0 {
			return true
		}
	}
	return false
}

// copied is §6.1 in both directions.
func copied(v *stanza.View, from jid.JID) (sent, received bool) {
	c := contentOf(v)
	sent = c.eligible(v.Type)
	return sent, sent && !c.isRoomPrivate(from)
}

// begin appends what wraps the message, §7 and §8, up to it.
func begin(b []byte, v *stanza.View, d xep.Direction, account jid.JID, resource string) []byte {
	b = stanza.AppendAttr(append(b, "<message"...), "from", account.String())
	b = stanza.AppendAddress(b, "to", account.String(), resource)
	if typ, ok := v.Frame.Type(); ok {
		b = stanza.AppendRawAttr(b, "type", typ)
	}
	b = append(b, "><"...)
	if d == xep.Sent {
		b = append(b, "sent"...)
	} else {
		b = append(b, "received"...)
	}
	return append(b, " xmlns='"+stanza.NSCarbons+"'><forwarded xmlns='"+stanza.NSForward+"'>"...)
}

func endOf(direction string) string { return "</forwarded></" + direction + "></message>" }
