package parser

import "bytes"

// The functions of this file walk bytes that the Scanner has accepted, so they
// check nothing.

var (
	cdataStart = []byte("<![CDATA[") // never written
	cdataEnd   = []byte("]]>")       // never written
)

// tagReader reads a start tag. The zero value has no attributes.
type tagReader struct {
	b           []byte
	at          int
	nameAt      int    // where name begins
	name, value []byte // of the attribute that next moved to; after readName the element's name
	end         int    // behind '>', once next has returned false
	empty       bool   // the tag ends with "/>", likewise
}

// readName reads the name at t.at.
func (t *tagReader) readName() {
	t.nameAt = t.at
	for !endsName[t.b[t.at]] {
		t.at++
	}
	t.name = t.b[t.nameAt:t.at]
}

// next moves to the next attribute, declarations included.
func (t *tagReader) next() bool {
	if t.b == nil {
		return false
	}
	t.space()
	switch t.b[t.at] {
	case '>':
		t.end = t.at + 1
		return false
	case '/':
		t.end, t.empty = t.at+2, true
		return false
	}
	t.readName()
	t.space()
	t.at++ // '='
	t.space()
	quote := t.b[t.at]
	from := t.at + 1
	t.at = from + bytes.IndexByte(t.b[from:], quote) + 1
	t.value = t.b[from : t.at-1 : t.at-1]
	return true
}

func (t *tagReader) space() {
	for isSpace(t.b[t.at]) {
		t.at++
	}
}

// skipElement returns the index behind the element that begins at b[i].
func skipElement(b []byte, i int) int {
	for depth := 0; ; {
		switch i += bytes.IndexByte(b[i:], '<'); b[i+1] {
		case '!':
			i += bytes.Index(b[i:], cdataEnd) + len(cdataEnd)
			continue
		case '/':
			i += bytes.IndexByte(b[i:], '>') + 1
			depth--
		default:
			end, empty := skipTag(b, i)
			i = end
			if !empty {
				depth++
			}
		}
		if depth == 0 {
			return i
		}
	}
}

// skipTag returns the index behind the start tag at b[i]. A '>' may stand in
// attribute values.
func skipTag(b []byte, i int) (end int, empty bool) {
	for {
		switch c := b[i]; c {
		case '>':
			return i + 1, b[i-1] == '/'
		case '\'', '"':
			i += 1 + bytes.IndexByte(b[i+1:], c)
		}
		i++
	}
}

// refer makes an nsRef for a raw namespace name at off, unescaping it into the
// arena if need be.
func (f *Frame) refer(raw []byte, off int) nsRef {
	for _, c := range raw {
		if c == '&' || isLineSpace(c) {
			from := len(f.arena)
			f.arena = appendValue(f.arena, raw)
			return nsRef{off: uint32(from), n: uint32(len(f.arena)-from) | refArena}
		}
	}
	return nsRef{off: uint32(off), n: uint32(len(raw))}
}
