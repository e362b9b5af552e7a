package stanza

import (
	"bytes"
	"slices"

	"github.com/xylem-im/xylem/parser"
)

// A stanza changes its content namespace when it goes from one kind of stream
// to another (RFC 6120 §4.8.3). What says nothing of its namespace takes that of
// the stream it stands on, so nearly all stanzas pass as they are, and are read
// as if the header of their stream had declared jabber:client
// (parser.Stream.Rename); this file mends those that declare the namespace
// themselves. A stanza and its children change. What lies deeper is a payload's
// own and stays what it is, such as a forwarded message, whose namespace must be
// preserved (XEP-0297 §3.2).

// DeclaresClient tells whether the rendered stanza st may declare jabber:client
// somewhere, and so must go through AppendTo. It allocates nothing.
func DeclaresClient(st []byte) bool { return bytes.Contains(st, []byte(NSClient)) }

// AppendTo appends the rendered stanza st, meant for a stream of jabber:client,
// as it goes out on one of the content namespace ns. One that is not well formed
// afterwards, as two attributes of an element would have the same name in it, goes
// out as it is: a client must not be able to break the stream of others.
func AppendTo(dst, st []byte, ns string) []byte {
	at := len(dst)
	dst = appendRedeclared(dst, st, NSClient, ns)
	if bytes.Contains(st, []byte(ns)) || bytes.Contains(st, []byte("&#")) { // else nothing was of ns before
		if _, err := parser.Parse(dst[at:]); err != nil {
			return append(dst[:at], st...)
		}
	}
	return dst
}

// Translation is the memory for reading stanzas of another content namespace than
// jabber:client; all streams of a loop may share one. The zero value is ready.
type Translation struct {
	text   []byte
	stream parser.Stream // frames text
}

// keepText bounds what is kept for the next stanza, in bytes.
const keepText = 64 << 10

// Client reads the stanza f, which sc has just found on the stream st of the
// content namespace ns, as one of jabber:client. What does not name ns is so
// already, and what cannot change (see AppendTo) stays as it is.
// jabber:component:accept means nothing outside such streams: of it, all
// declarations change, at any depth. The result is valid until the input of f
// changes or the next call of sc.Next or Client.
func (t *Translation) Client(f *parser.Frame, ns string, sc *parser.Scanner, st *parser.Stream) *parser.Frame {
	raw := f.Raw()
	if !bytes.Contains(raw, []byte(ns)) {
		return f
	}
	if cap(t.text) > keepText {
		t.text = nil
	}
	t.text = appendRedeclared(t.text[:0], raw, ns, NSClient)
	t.stream = *st // between two frames it is only what the header said
	client, _, err := sc.Next(&t.stream, t.text)
	if err != nil { // f lay in the memory of sc
		t.stream = *st
		client, _, _ = sc.Next(&t.stream, raw)
	}
	return client
}

// appendRedeclared appends the stanza st, in which declarations of the namespace
// from become such of to: those that the names of the stanza and of its children
// rely on, and all of jabber:component:accept.
func appendRedeclared(dst, st []byte, from, to string) []byte {
	var inherited [][]byte
	copied := 0
	for w := (tagWalk{b: st}); w.next(); {
		for w.attr() {
			if !w.isXMLNS || string(w.value()) != from {
				continue
			}
			relied := from == NSAccept || w.level <= 2 && bytes.Equal(w.declares, w.prefix)
			if !relied && w.level == 1 {
				if inherited == nil {
					inherited = inheritedPrefixes(st)
				}
				relied = contains(inherited, w.declares)
			}
			if relied {
				dst = append(append(dst, st[copied:w.from]...), to...)
				copied = w.to
			}
		}
	}
	return append(dst, st[copied:]...)
}

// inheritedPrefixes lists the prefixes ("" for none) that the names of children
// of st have and do not declare themselves.
func inheritedPrefixes(st []byte) (list [][]byte) {
	for w := (tagWalk{b: st}); w.next(); {
		inherits := w.level == 2
		for w.attr() {
			inherits = inherits && !(w.isXMLNS && bytes.Equal(w.declares, w.prefix))
		}
		if inherits && !contains(list, w.prefix) {
			list = append(list, w.prefix)
		}
	}
	return list
}

func contains(list [][]byte, b []byte) bool {
	return slices.ContainsFunc(list, func(x []byte) bool { return bytes.Equal(x, b) })
}
