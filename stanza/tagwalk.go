package stanza

import "bytes"

// tagWalk goes through the start tags of an element that is known to be well
// formed, and through their attributes. It begins before the element's own tag;
// all attributes of a tag must be read before the next one.
type tagWalk struct {
	b     []byte
	at    int
	level int  // of the tag: 1 is the element's own
	empty bool // the tag has no closing tag

	prefix []byte // of the tag's name, "" if it has none

	// The attribute.
	isXMLNS  bool   // it is a namespace declaration,
	declares []byte // of this prefix, "" for the default
	from, to int    // its value in b, without the quotes
}

// next moves to the next start tag; false when there is none.
func (w *tagWalk) next() bool {
	if w.empty {
		w.level--
		w.empty = false
	}
	for {
		n := bytes.IndexByte(w.b[w.at:], '<')
		if n < 0 {
			return false
		}
		w.at += n + 1
		switch w.b[w.at] {
		case '/':
			w.level--
		case '!': // CDATA: nothing else begins so in a stream, RFC 6120 §11.1
			w.at += bytes.Index(w.b[w.at:], []byte("]]>"))
		default:
			w.level++
			w.prefix, _ = cutPrefix(w.word())
			return true
		}
	}
}

// attr moves to the next attribute of the tag; false when there is none.
func (w *tagWalk) attr() bool {
	for isSpace(w.b[w.at]) {
		w.at++
	}
	if c := w.b[w.at]; c == '/' || c == '>' {
		w.empty = c == '/'
		return false
	}
	prefix, local := cutPrefix(w.word())
	switch {
	case string(prefix) == "xmlns":
		w.isXMLNS, w.declares = true, local
	default:
		w.isXMLNS, w.declares = len(prefix) == 0 && string(local) == "xmlns", nil
	}
	w.from = w.at + bytes.IndexAny(w.b[w.at:], `'"`) + 1
	w.to = w.from + bytes.IndexByte(w.b[w.from:], w.b[w.from-1])
	w.at = w.to + 1
	return true
}

// value is that of the attribute, as written.
func (w *tagWalk) value() []byte { return w.b[w.from:w.to] }

// word reads a name.
func (w *tagWalk) word() []byte {
	from := w.at
	for c := w.b[w.at]; !isSpace(c) && c != '=' && c != '/' && c != '>'; c = w.b[w.at] {
		w.at++
	}
	return w.b[from:w.at]
}

// cutPrefix splits a qualified name at its colon.
func cutPrefix(name []byte) (prefix, local []byte) {
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		return name[:i], name[i+1:]
	}
	return nil, name
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }
