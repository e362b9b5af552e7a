package blocking

import (
	"errors"
	"slices"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/xep"
)

// get is §3.2. Who asked gets the changes from now on.
func (x *blocking) get(a *xep.Home, req *xep.Request) {
	acc := x.of(a)
	acc.forget(req.Session)
	acc.interested = append(acc.interested, req.Session)
	req.Result(appendItems(nil, "blocklist", acc.list))
}

func (acc *account) forget(s xep.SessionRef) {
	acc.interested = slices.DeleteFunc(acc.interested, func(i xep.SessionRef) bool { return i.ID == s.ID })
}

// block is §3.3.
func (x *blocking) block(a *xep.Home, req *xep.Request) {
	items, err := itemsOf(req)
	switch {
	case err != nil:
		req.Error(stanza.AsError(err))
		return
	case len(items) == 0:
		req.Error(stanza.Error{Condition: stanza.BadRequest, Text: "there is no item"})
		return
	}
	var added list
	x.change(a, func(l list) (merged list) {
		merged, added = l.with(items)
		return merged
	}, func(_ list, err error) {
		if err != nil {
			req.Error(changeError(err))
			return
		}
		x.push(a, "block", items)
		x.hide(a, added)
		req.Result(nil)
	})
}

// unblock is §3.4, and §3.5 when it names nothing.
func (x *blocking) unblock(a *xep.Home, req *xep.Request) {
	items, err := itemsOf(req)
	if err != nil {
		req.Error(stanza.AsError(err))
		return
	}
	var removed list
	x.change(a, func(l list) (rest list) {
		if len(items) == 0 {
			removed = l
			return nil
		}
		rest, removed = l.without(items)
		return rest
	}, func(_ list, err error) {
		if err != nil {
			req.Error(changeError(err))
			return
		}
		x.push(a, "unblock", items)
		x.show(a, removed)
		req.Result(nil)
	})
}

// itemsOf reads the addresses of a request, prepared. The error is one to be
// sent.
func itemsOf(req *xep.Request) (items []string, err error) {
	command, _ := req.View.Payload()
	for w := command.Walk(); w.Next(); {
		e := w.Element()
		if !e.Is(NS, "item") {
			continue
		}
		raw, ok := e.Attr("jid")
		if !ok {
			return nil, stanza.Error{Condition: stanza.BadRequest, Text: "an item without jid"}
		}
		j, err := jid.ParseBytes(parser.Unescape(raw))
		if err != nil {
			return nil, stanza.Error{Condition: stanza.JIDMalformed, Text: err.Error()}
		}
		items = append(items, j.String())
	}
	return items, nil
}

func changeError(err error) stanza.Error {
	if errors.Is(err, storage.ErrTooLarge) {
		return stanza.Error{Condition: stanza.ResourceConstraint, Text: "the block list is full"}
	}
	return xep.StorageError(err)
}

// push tells the sessions that asked for the list of a change.
func (x *blocking) push(a *xep.Home, command string, items []string) {
	payload := appendItems(nil, command, items)
	for _, s := range x.of(a).interested {
		b := stanza.AppendAttr([]byte("<iq"), "from", a.JID().String())
		b = stanza.AppendAttr(b, "to", s.JID.String())
		b = stanza.AppendAttr(b, "id", a.NewID())
		b = append(append(b, " type='set'>"...), payload...)
		a.DeliverTo(s, [][]byte{append(b, "</iq>"...)}, nil)
	}
}

// appendItems appends an element with addresses.
func appendItems(dst []byte, name string, items []string) []byte {
	dst = append(append(dst, '<'), name...)
	dst = append(dst, " xmlns='"+NS+"'>"...)
	for _, s := range items {
		dst = append(stanza.AppendAttr(append(dst, "<item"...), "jid", s), "/>"...)
	}
	dst = append(append(dst, "</"...), name...)
	return append(dst, '>')
}
