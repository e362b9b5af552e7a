// Package register lets users change their password and delete their account
// (XEP-0077, version 2.4 §3.2, §3.3). New accounts are made before login, by
// package session.
package register

import (
	"errors"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// NS is the namespace of XEP-0077 §15.
const NS = "jabber:iq:register"

// pause is the least time between two changes of an account's password, in
// nanoseconds: each costs milliseconds of hashing.
const pause = int64(2e9)

// extension is what the handlers share.
type extension struct {
	slot int // when the password was changed last, Unix nanoseconds
}

// Register adds the extension.
func Register(r *xep.Registry) error {
	x := &extension{slot: r.State()}
	r.Feature(xep.Server, NS)
	for _, t := range [...]xep.Target{xep.Server, xep.Account} { // clients use both
		err := r.IQ(xep.IQ{Target: t, Get: true, Set: true, Own: true, Namespace: NS, Name: "query", Handle: x.handle})
		if err != nil {
			return err
		}
	}
	return nil
}

func (x *extension) handle(a *xep.Home, req *xep.Request) {
	query, _ := req.View.Payload()
	remove := query.Child(NS, "remove")
	switch {
	case req.Session.ID == 0, !req.To.IsZero() && req.To.Domain() != a.JID().Domain():
		req.Error(stanza.Error{Condition: stanza.ServiceUnavailable}) // of another domain here
	case req.View.Type == stanza.TypeGet:
		req.Result(registered(a.JID()))
	case remove.IsZero():
		x.change(a, req, query)
	case children(query) > 1:
		req.Error(stanza.Error{Condition: stanza.BadRequest, Text: "remove stands alone"})
	default:
		cancel(a, req)
	}
}

// registered tells what is on file, XEP-0077 §3.1.1.
func registered(who jid.JID) []byte {
	b := []byte("<query xmlns='" + NS + "'><registered/><username>")
	b = parser.AppendText(b, who.Local())
	return append(b, "</username><password/></query>"...)
}

func children(e parser.Element) (n int) {
	for w := e.Walk(); w.Next(); {
		n++
	}
	return n
}

// change sets a new password, XEP-0077 §3.3.
func (x *extension) change(a *xep.Home, req *xep.Request, query parser.Element) {
	username, password := text(query, "username"), text(query, "password")
	own, err := jid.New(username, a.JID().Domain(), "")
	last, _ := a.State(x.slot).(int64)
	switch {
	case username == "" || password == "":
		req.Error(stanza.Error{Condition: stanza.BadRequest, Text: "username and password are needed"})
		return
	case err != nil || own != a.JID():
		req.Error(stanza.Error{Condition: stanza.NotAllowed, Text: "not your username"})
		return
	case last != 0 && a.Now()-last < pause:
		req.Error(stanza.Error{Condition: stanza.ResourceConstraint, Text: "the password was changed a moment ago"})
		return
	}
	a.SetState(x.slot, a.Now())
	a.Busy++ // keeps the time of the change
	a.SetPassword(a.JID(), password, req.Session, func(err error) {
		a.Busy--
		if err != nil {
			a.SetState(x.slot, nil)
		}
		answer(req, err)
	})
}

func text(query parser.Element, name string) string {
	return string(query.Child(NS, name).AppendText(nil))
}

// cancel deletes the account and then ends its sessions, XEP-0077 §3.2.
func cancel(a *xep.Home, req *xep.Request) {
	a.Busy++
	a.DeleteAccount(a.JID(), func(err error) {
		a.Busy--
		answer(req, err)
		if err != nil {
			return
		}
		for _, r := range a.Resources(a.JID(), nil) {
			if full, err := a.JID().WithResource(r.Name); err == nil {
				a.Disconnect(full, stanza.StreamError{Condition: stanza.StreamNotAuthorized, Text: "the account was deleted"})
			}
		}
	})
}

func answer(req *xep.Request, err error) {
	switch {
	case err == nil:
		req.Result(nil)
	case errors.Is(err, xep.ErrForeignAccounts):
		req.Error(stanza.Error{Condition: stanza.NotAllowed, Text: "accounts are managed elsewhere"})
	case errors.Is(err, xep.ErrPassword):
		req.Error(stanza.Error{Condition: stanza.NotAcceptable, Text: "this cannot be a password"})
	default:
		req.Error(xep.StorageError(err))
	}
}
