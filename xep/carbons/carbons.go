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
	"strings"

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
	r.Message(xep.Message{When: xep.MarkAccountCarbons, Several: true, Sent: sent, Received: received})
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

// sent copies what a session sends to the account's others, §8. Of a message
// to the account itself, those that get it get no copy.
func sent(h xep.Host, m *xep.MessageView) {
	if !contentOf(m.View).eligible(m.View.Type) {
		return
	}
	c := xep.Copying{Account: m.From.Bare(), Mark: xep.MarkCarbons, But: m.From.Resource(), Render: renderSent}
	if m.To.Bare().JID == c.Account {
		c.Has = m.Delivered
	}
	h.Copy(m, c)
}

// received copies what comes for an account to those of its sessions that do
// not get it, §7. They got it as sent if it comes from the account itself.
func received(h xep.Host, m *xep.MessageView) {
	account, c := m.To.Bare().JID, contentOf(m.View)
	if account == m.From.Bare() || !c.eligible(m.View.Type) || c.isRoomPrivate(m.From) {
		return
	}
	h.Copy(m, xep.Copying{Account: account, Mark: xep.MarkCarbons, Has: m.Delivered, Render: renderReceived})
}

func renderSent(b []byte, m *xep.MessageView) ([]byte, int) { return wrap(b, m, "sent", m.From.Bare()) }

func renderReceived(b []byte, m *xep.MessageView) ([]byte, int) {
	return wrap(b, m, "received", m.To.Bare().JID)
}

// wrap renders the wrapping message, whose to belongs at toAt.
func wrap(b []byte, m *xep.MessageView, direction string, account jid.JID) (all []byte, toAt int) {
	at := len(b)
	b = stanza.AppendAttr(append(b, "<message"...), "from", account.String())
	toAt = len(b) - at
	if typ, ok := m.View.Frame.Type(); ok {
		b = stanza.AppendRawAttr(b, "type", typ)
	}
	b = append(b, "><"...)
	b = append(b, direction...)
	b = append(b, " xmlns='"+stanza.NSCarbons+"'><forwarded xmlns='"+stanza.NSForward+"'>"...)
	b = appendOriginal(b, m)
	b = append(b, "</forwarded></"...)
	b = append(b, direction...)
	return append(b, "></message>"...), toAt
}

// appendOriginal appends the message as it is routed, with its namespace, which
// the stream does not lend it here (XEP-0297 §3.2).
func appendOriginal(b []byte, m *xep.MessageView) []byte {
	const plain = "<message"
	at := len(b)
	b = stanza.AppendForward(b, m.View, &m.Forward)
	behind := at + len(plain)
	if string(b[at:behind]) != plain || !strings.ContainsRune(" />", rune(b[behind])) {
		return b // written with a prefix, which it declares
	}
	const declaration = " xmlns='" + stanza.NSClient + "'"
	b = append(b, declaration...)
	copy(b[behind+len(declaration):], b[behind:])
	copy(b[behind:], declaration)
	return b
}
