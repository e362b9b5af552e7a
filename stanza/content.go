package stanza

import "bytes"

// A stanza changes its content namespace when it goes from one kind of stream
// to another (RFC 6120 §4.8.3). What says nothing of its namespace takes that of
// the stream it stands on, so nearly all stanzas pass as they are; the functions
// of this file mend those that declare it.

// DeclaresClient tells whether the rendered stanza st may declare jabber:client
// somewhere, and so must go through AppendTo. It allocates nothing.
func DeclaresClient(st []byte) bool { return bytes.Contains(st, []byte(NSClient)) }

// AppendTo appends the rendered stanza st, meant for a stream of jabber:client,
// as it goes out on one of the content namespace ns: what the stanza and its
// children declare to be of jabber:client is of ns then. What lies deeper is
// left alone: a stanza inside a stanza is of jabber:client (XEP-0297 §3.1).
func AppendTo(dst, st []byte, ns string) []byte {
	return appendRedeclared(dst, st, NSClient, ns, func(level int, attr []byte) bool {
		return level == 1 || level == 2 && string(attr) == "xmlns"
	})
}

// AppendFrom appends the stanza st as a peer sent it on a stream of the content
// namespace ns, for one of jabber:client: all that it declares to be of ns, at any
// depth, is of jabber:client then, since ns means nothing elsewhere.
func AppendFrom(dst, st []byte, ns string) []byte {
	return appendRedeclared(dst, st, ns, NSClient, func(int, []byte) bool { return true })
}

// appendRedeclared appends one well-formed element; namespace declarations with
// the value from get the value to where allowed says so, by the nesting of their
// element (1: the top) and the name of the attribute.
func appendRedeclared(dst, st []byte, from, to string, allowed func(level int, attr []byte) bool) []byte {
	copied, level := 0, 0
	for i := bytes.IndexByte(st, '<'); i >= 0 && i+1 < len(st); i = next(st, i, '<') {
		switch st[i+1] {
		case '/':
			level--
			continue
		case '!': // CDATA: nothing else begins so in a stream, RFC 6120 §11.1
			i += bytes.Index(st[i:], []byte("]]>"))
			continue
		}
		level++
		tag := tagScan{b: st, at: i + 1}
		for tag.name(); tag.attr(); {
			if isXMLNS(tag.key) && string(st[tag.from:tag.to]) == from && allowed(level, tag.key) {
				dst = append(append(dst, st[copied:tag.from]...), to...)
				copied = tag.to
			}
		}
		if i = tag.at; st[i-1] == '/' {
			level--
		}
	}
	return append(dst, st[copied:]...)
}

// next is where c stands again behind i, -1 if nowhere.
func next(b []byte, i int, c byte) int {
	n := bytes.IndexByte(b[i+1:], c)
	if n < 0 {
		return -1
	}
	return i + 1 + n
}

func isXMLNS(attr []byte) bool {
	const xmlns = "xmlns"
	return len(attr) >= len(xmlns) && string(attr[:len(xmlns)]) == xmlns && (len(attr) == len(xmlns) || attr[len(xmlns)] == ':')
}

// tagScan walks the attributes of a start tag that is known to be well formed.
// In the end at is that of its '>'.
type tagScan struct {
	b        []byte
	at       int
	key      []byte
	from, to int // the value, without its quotes
}

// name skips the name of the element.
func (t *tagScan) name() { t.word() }

// attr reads the next attribute; false when there is none.
func (t *tagScan) attr() bool {
	for isSpace(t.b[t.at]) {
		t.at++
	}
	switch t.b[t.at] {
	case '/':
		t.at++
		return false
	case '>':
		return false
	}
	t.key = t.word()
	for t.b[t.at] != '\'' && t.b[t.at] != '"' {
		t.at++
	}
	t.from = t.at + 1
	t.to = next(t.b, t.at, t.b[t.at])
	t.at = t.to + 1
	return true
}

// word reads a name.
func (t *tagScan) word() []byte {
	from := t.at
	for c := t.b[t.at]; !isSpace(c) && c != '=' && c != '/' && c != '>'; c = t.b[t.at] {
		t.at++
	}
	return t.b[from:t.at]
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }
