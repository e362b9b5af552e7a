package s2s

import (
	"bytes"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// Between servers the content namespace is jabber:server, for clients it is
// jabber:client (RFC 6120 §4.8.2). Nearly all stanzas mean it by saying nothing:
// they are moved as they are, and read as if the stream's header had declared the
// other one (parser.Stream.Rename). What is left is the few that name it in a
// declaration. Both names have the same length, so they are replaced in a copy,
// on the stanza and its children: what lies deeper is a payload's own, such as a
// forwarded message (XEP-0297 §4), and stays what it is.

// translated reads a received stanza that mentions jabber:server anew, as if it
// was in jabber:client. The frame is valid until the next call.
func (s *Stream) translated(f *parser.Frame, out *Out) *parser.Frame {
	b := append(out.translation[:0], f.Raw()...)
	out.translation = b
	rename(b, f, stanza.NSServer, stanza.NSClient)
	stream := s.stream // the same header; f ends where a frame ends
	again, _, err := out.second().Next(&stream, b)
	if err != nil || again == nil {
		return f // what was well formed still is
	}
	return again
}

// appendTranslated appends a stanza rendered for jabber:client as it goes to
// another server.
func appendTranslated(dst, st []byte, out *Out) []byte {
	var stream parser.Stream
	stream.Reset(&parser.Limits{StanzaBytes: 1 << 30, Depth: 1 << 15, Attributes: 1 << 15, NameBytes: 1 << 15, Bindings: 256})
	at := len(dst)
	dst = append(dst, st...)
	if _, _, err := out.second().Next(&stream, []byte(clientHeader)); err != nil {
		return dst
	}
	if f, _, err := out.second().Next(&stream, st); err == nil && f != nil {
		rename(dst[at:], f, stanza.NSClient, stanza.NSServer)
	}
	return dst
}

const clientHeader = "<stream:stream xmlns='" + stanza.NSClient + "' xmlns:stream='" + stanza.NSStream + "'>"

// second is the memory for reading a stanza beside the one that Scanner lends.
func (o *Out) second() *parser.Scanner {
	if o.again == nil {
		o.again = parser.NewScanner()
	}
	return o.again
}

// rename replaces the namespace from by to in b, a copy of f as it was written:
// in the declarations that the names of the stanza and its children rely on.
func rename(b []byte, f *parser.Frame, from, to string) {
	top := b[:len(f.Raw())]
	if string(f.Namespace()) == from {
		renameIn(top, f.Prefix(), from, to)
	}
	for w := f.Element().Walk(); w.Next(); {
		e := w.Element()
		if string(e.Namespace()) != from {
			continue
		}
		if !renameIn(b[e.Offset():], e.Prefix(), from, to) && len(e.Prefix()) > 0 {
			renameIn(top, e.Prefix(), from, to)
		}
	}
}

// renameIn replaces the value of the declaration of prefix in the start tag that
// b begins with, if it is from; false if there is none.
func renameIn(b, prefix []byte, from, to string) bool {
	at := 1 + bytes.IndexAny(b[1:], " \t\r\n/>")
	for {
		for b[at] == ' ' || b[at] == '\t' || b[at] == '\r' || b[at] == '\n' {
			at++
		}
		if b[at] == '/' || b[at] == '>' {
			return false
		}
		eq := at + bytes.IndexByte(b[at:], '=')
		name := bytes.TrimRight(b[at:eq], " \t\r\n")
		start := eq + bytes.IndexAny(b[eq:], `'"`) + 1
		end := start + bytes.IndexByte(b[start:], b[start-1])
		if declares(name, prefix) && string(b[start:end]) == from {
			copy(b[start:end], to)
			return true
		}
		at = end + 1
	}
}

// declares tells whether an attribute is the declaration of prefix.
func declares(name, prefix []byte) bool {
	const xmlns = "xmlns"
	if len(prefix) == 0 {
		return string(name) == xmlns
	}
	return len(name) == len(xmlns)+1+len(prefix) && string(name[:len(xmlns)]) == xmlns && bytes.Equal(name[len(xmlns)+1:], prefix)
}
