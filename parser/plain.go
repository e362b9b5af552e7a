package parser

import "math/bits"

// The functions of this file read what is plain: written as nearly everybody
// writes it, in ASCII, and inside the window. They leave the rest, and all that is
// wrong, to the general ones, which begin where these stop. They take note
// of the same things in the same order.

// far bounds a look for the end of a name or a value: it finds what comes
// within 56 bytes, and longer ones are not plain.
const (
	plainBytes = 56
	far        = 1 << plainBytes
)

// plainText returns the index of the '<' that ends the text at b[i:].
func (s *state) plainText(b []byte, i int) (end int, ok bool) {
	m := &s.marks
	for at := i; ; {
		if at >= m.renew {
			m.index(b, at)
		}
		w := b[:m.end]
		for at < len(w) {
			j := uint(at - m.base)
			next := m.text.at(j)
			if next == 0 {
				at = min(at+int(64-j&7), len(w))
				continue
			}
			if at += bits.TrailingZeros64(next); at >= len(w) || w[at] != '<' {
				return i, false
			}
			s.noteText(b[i:at])
			return at, true
		}
		if at < m.renew {
			return i, false
		}
	}
}

// plainTag is startTag for a tag that begins plain. Of what the bitmap of names
// leaves, 'a' or above begins a name.
func (s *state) plainTag(b []byte, i int) (int, verdict) {
	t, m := &s.tag, &s.marks
	if i >= m.renew {
		m.index(b, i)
	}
	w := b[:m.end]
	from := uint(i + 1)
	if from >= uint(len(w)) || w[from] < 'a' {
		return s.startTag(b, i, phName)
	}
	size := uint(bits.TrailingZeros64(m.name.at(from-uint(m.base)) | far))
	end := from + size
	if size == 0 || end >= uint(len(w)) || !endsName[w[end]] || len(s.stack) >= s.lim.Depth {
		return s.startTag(b, i, phName)
	}
	if len(s.stack) > 0 {
		s.attrBuf = s.attrBuf[:s.topAttrs]
	}
	t.start = i
	t.name = packName(int(from), int(size), 0)
	t.attrBase, t.bindBase = len(s.attrBuf), len(s.binds)
	t.def = s.def
	t.prefixed, t.seen, t.space = 0, 0, false
	i = int(end)
	if w[end] == ' ' {
		i = s.plainAttrs(b, i)
	}
	if i+1 < len(b) {
		switch {
		case b[i] == '>':
			return s.plainEnd(b, i+1, false)
		case b[i] == '/' && b[i+1] == '>':
			return s.plainEnd(b, i+2, true)
		}
	}
	return s.startTag(b, i, phBetween)
}

// plainEnd is tagEnd for a tag without prefixes.
func (s *state) plainEnd(b []byte, end int, empty bool) (int, verdict) {
	ns := s.def
	if ns.n >= refHeader || ns == (nsRef{}) {
		s.usedDefault = true
	}
	return s.opened(b, ns, end, empty)
}

// plainAttrs reads attributes of a start tag as long as they are plain, each
// behind one space. i is behind the name or an attribute; the result is, too.
func (s *state) plainAttrs(b []byte, i int) int {
	t, m := &s.tag, &s.marks
	if i >= m.renew {
		m.index(b, i)
	}
	w, base := b[:m.end], uint(m.base)
	at := uint(i)
	attrs := s.attrBuf
	most := min(cap(attrs), t.attrBase+s.lim.Attributes-(len(s.binds)-t.bindBase))
	seen := t.seen
	top := len(s.stack) == 0
	for at+1 < uint(len(w)) && w[at] == ' ' {
		from := at + 1
		size := uint(bits.TrailingZeros64(m.name.at(from-base) | far))
		equals := from + size
		value := equals + 2
		first := w[from]
		if value >= uint(len(w)) || w[equals] != '=' || first < 'a' {
			break
		}
		quote := w[equals+1]
		end := value + uint(bits.TrailingZeros64(m.value.at(value-base)|far))
		if end >= uint(len(w)) || w[end] != quote || quote != '\'' && quote != '"' {
			break
		}
		n := len(attrs)
		if n >= most {
			break
		}
		if first == 'x' {
			if size != 5 || load64(w, int(from))<<24 != xmlnsWord || !s.plainDefault(value, end-value) {
				break
			}
			most--
			at = end + 1
			continue
		}
		bit := nameBit(size, first, w[equals-1])
		if seen&bit != 0 {
			break
		}
		seen |= bit
		name := packName(int(from), int(size), 0)
		attrs = attrs[:n+1]
		attrs[n] = attr{name: name, valOff: uint32(value), valLen: uint32(end - value)}
		if top {
			s.noteAttr(b, name, n)
		}
		at = end + 1
	}
	s.attrBuf = s.attrBuf[:len(attrs)]
	t.seen, t.space = seen, false
	return int(at)
}

// xmlnsWord is "xmlns" in the upper bytes of a word. Eight bytes can be loaded where an
// attribute of that name begins, as its value has quotes.
const xmlnsWord = 's'<<56 | 'n'<<48 | 'l'<<40 | 'm'<<32 | 'x'<<24

// plainDefault takes note of the declaration of a default namespace of size
// bytes at i, the first one in its tag.
func (s *state) plainDefault(i, size uint) bool {
	bindings := len(s.binds)
	if bindings > s.tag.bindBase || bindings+len(s.header.binds) >= s.lim.Bindings || size == uint(len(nsXML)) || size == uint(len(nsXMLNS)) {
		return false
	}
	s.def = nsRef{off: uint32(i), n: uint32(size)}
	s.binds = append(s.binds, binding{uri: s.def})
	return true
}
