// Package disco answers service discovery (XEP-0030, version 2.5.0) for the
// server and for accounts, from the tables of the registry: what is announced
// is what runs. Requests to full addresses are the clients' own to answer.
//
// An account shows itself to its own sessions and to those who may see its
// presence; to others it does not exist (XEP-0030 §8).
package disco

import (
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// The namespaces of XEP-0030 §10.
const (
	NSInfo  = "http://jabber.org/protocol/disco#info"
	NSItems = "http://jabber.org/protocol/disco#items"
)

// Options of the extension. The zero value is usable.
type Options struct {
	// Name of the server's identity, for people. Default "xylem".
	Name string
}

// New is the extension's Register function.
func New(o Options) func(*xep.Registry) error {
	if o.Name == "" {
		o.Name = "xylem"
	}
	return func(r *xep.Registry) error {
		for _, t := range [...]xep.Target{xep.Server, xep.Account} {
			r.Feature(t, NSInfo, NSItems)
		}
		r.Identity(xep.Identity{Target: xep.Server, Category: "server", Type: "im", Name: o.Name})
		r.Identity(xep.Identity{Target: xep.Account, Category: "account", Type: "registered"})
		for _, h := range [...]xep.IQ{
			{Target: xep.Server, Namespace: NSInfo, Handle: serverInfo},
			{Target: xep.Server, Namespace: NSItems, Handle: serverItems},
			{Target: xep.Account, Namespace: NSInfo, Handle: accountInfo},
			{Target: xep.Account, Namespace: NSItems, Handle: accountItems},
		} {
			h.Get, h.Name = true, "query"
			if err := r.IQ(h); err != nil {
				return err
			}
		}
		return nil
	}
}

func serverInfo(a *xep.Home, req *xep.Request) {
	if node, raw := nodeOf(req); a.Registry().HasNode(xep.Server, node) {
		req.Result(info(a.Registry(), xep.Server, raw))
		return
	}
	req.Error(stanza.Error{Condition: stanza.ItemNotFound})
}

// serverItems lists the components of the domain that was asked.
func serverItems(a *xep.Home, req *xep.Request) {
	node, raw := nodeOf(req)
	if node != "" {
		req.Error(stanza.Error{Condition: stanza.ItemNotFound})
		return
	}
	var list []jid.JID
	for _, domain := range a.Services(req.To.Domain()) {
		if j, err := jid.New("", domain, ""); err == nil {
			list = append(list, j)
		}
	}
	req.Result(items(raw, list))
}

func accountInfo(a *xep.Home, req *xep.Request) {
	node, raw := nodeOf(req)
	a.Registry().MaySee(a, req.From, func(ok bool) {
		switch {
		case !ok:
			req.Error(stanza.Error{Condition: stanza.ServiceUnavailable})
		case !a.Registry().HasNode(xep.Account, node):
			req.Error(stanza.Error{Condition: stanza.ItemNotFound})
		default:
			req.Result(info(a.Registry(), xep.Account, raw))
		}
	})
}

// accountItems lists the available resources to those who may see them, and
// nothing to others (XEP-0030 §4.1, §8).
func accountItems(a *xep.Home, req *xep.Request) {
	node, raw := nodeOf(req)
	a.Registry().MaySee(a, req.From, func(ok bool) {
		switch {
		case !ok:
			req.Result(items(raw, nil))
		case node != "":
			req.Error(stanza.Error{Condition: stanza.ItemNotFound})
		default:
			req.Result(items(raw, available(a)))
		}
	})
}

// available is the full addresses of the available resources.
func available(a *xep.Home) (list []jid.JID) {
	for _, r := range a.Resources(a.JID(), nil) {
		if !r.Available {
			continue
		}
		if full, err := a.JID().WithResource(r.Name); err == nil {
			list = append(list, full)
		}
	}
	return list
}

// nodeOf reads the node that is asked for; raw is an own copy of it as
// written, nil when there is none, to be told back.
func nodeOf(req *xep.Request) (node string, raw []byte) {
	query, _ := req.View.Payload()
	v, ok := query.Attr("node")
	if !ok {
		return "", nil
	}
	return string(parser.Unescape(v)), append([]byte{}, v...)
}

// info renders the answer of XEP-0030 §3.1.
func info(r *xep.Registry, t xep.Target, node []byte) []byte {
	b := open(NSInfo, node)
	return append(r.AppendInfo(b, t), "</query>"...)
}

// items renders the answer of XEP-0030 §4.1.
func items(node []byte, list []jid.JID) []byte {
	b := open(NSItems, node)
	for _, j := range list {
		b = append(b, "<item"...)
		b = stanza.AppendAttr(b, "jid", j.String())
		b = append(b, "/>"...)
	}
	return append(b, "</query>"...)
}

func open(namespace string, node []byte) []byte {
	b := stanza.AppendAttr([]byte("<query"), "xmlns", namespace)
	if node != nil {
		b = stanza.AppendRawAttr(b, "node", node)
	}
	return append(b, '>')
}
