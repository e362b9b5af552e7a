package parser

// startTag reads the start tag at b[i:] from phase ph on. The phases follow each
// other by falling through and come round once per attribute.
func (s *state) startTag(b []byte, i int, ph phase) (int, verdict) {
	t := &s.tag
	name := t.attr // of the attribute being read
	for {
		switch ph {
		case phName:
			end, colon, result := scanName(b, i+1)
			if result != nameOK || end-i-1 > s.lim.NameBytes {
				return s.badName(b, i+1, end, result, phName, i)
			}
			if len(s.stack) >= s.lim.Depth {
				return s.fail(ConditionPolicyViolation, i, limitDetail("depth", s.lim.Depth))
			}
			if len(s.stack) > 0 {
				s.attrBuf = s.attrBuf[:s.topAttrs]
			}
			t.start = i
			t.name = makeName(i+1, end, colon)
			t.attrBase, t.bindBase = len(s.attrBuf), len(s.binds)
			t.def = s.def
			t.prefixed, t.seen, t.space = 0, 0, false
			i = end
			fallthrough

		case phBetween:
			if !t.space && s.marks.covers(i) {
				i = s.plainAttrs(b, i)
			}
			for i < len(b) && isSpace(b[i]) {
				i++
				t.space = true
			}
			if i == len(b) {
				return s.suspend(phBetween, i)
			}
			switch b[i] {
			case '>':
				return s.tagEnd(b, i+1, false)
			case '/':
				if i+1 == len(b) {
					return s.suspend(phBetween, i)
				}
				if b[i+1] != '>' {
					return s.fail(ConditionNotWellFormed, i+1, got("'>' at the end of a tag", b[i+1]))
				}
				return s.tagEnd(b, i+2, true)
			}
			if !t.space {
				return s.fail(ConditionNotWellFormed, i, got("white space, '/' or '>' in a tag", b[i]))
			}
			end, colon, result := scanName(b, i)
			if result != nameOK || end-i > s.lim.NameBytes {
				return s.badName(b, i, end, result, phBetween, i)
			}
			if len(s.attrBuf)-t.attrBase+len(s.binds)-t.bindBase >= s.lim.Attributes {
				return s.fail(ConditionPolicyViolation, i, limitDetail("attributes", s.lim.Attributes))
			}
			name = makeName(i, end, colon)
			t.attr = name
			i = end
			fallthrough

		case phEquals:
			if i < len(b) && b[i] != '=' {
				i = skipSpace(b, i)
			}
			if i == len(b) {
				return s.suspend(phEquals, i)
			}
			if b[i] != '=' {
				return s.fail(ConditionNotWellFormed, i, got("'=' behind an attribute name", b[i]))
			}
			i++
			fallthrough

		case phQuote:
			if i < len(b) && b[i] != '\'' && b[i] != '"' {
				i = skipSpace(b, i)
			}
			if i == len(b) {
				return s.suspend(phQuote, i)
			}
			if t.quote = b[i]; t.quote != '\'' && t.quote != '"' {
				return s.fail(ConditionNotWellFormed, i, got("a quote before an attribute value", b[i]))
			}
			i++
			t.valOff, t.special = i, false
			fallthrough

		case phValue:
			var v verdict
			if i, v = s.value(b, i); v != goOn {
				return i, v
			}
			if v = s.addAttr(b, name, i); v != goOn {
				return i, v
			}
			i++
			t.space = false
			ph = phBetween
		}
	}
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && isSpace(b[i]) {
		i++
	}
	return i
}

// makeName describes the name from i to end with the colon that scanName found.
func makeName(i, end, colon int) qname {
	if colon > 0 {
		return packName(i, end-i, colon-i)
	}
	return packName(i, end-i, 0)
}

// badName handles a name from i to end that is too long, not complete or wrong.
// resume and ph tell where to begin again if it is not complete.
func (s *state) badName(b []byte, i, end int, result nameResult, ph phase, resume int) (int, verdict) {
	switch {
	case end-i > s.lim.NameBytes:
		return s.fail(ConditionPolicyViolation, i+s.lim.NameBytes, limitDetail("name bytes", s.lim.NameBytes))
	case result == nameMore:
		return s.suspend(ph, resume)
	case result == nameUTF8:
		return s.fail(ConditionUnsupportedEncoding, end, got("UTF-8", b[end]))
	}
	return s.fail(ConditionNotWellFormed, end, got("a name", b[end]))
}

// value reads an attribute value from inside it up to its closing quote, whose
// index it returns.
func (s *state) value(b []byte, i int) (int, verdict) {
	var (
		t     = &s.tag
		run   = i // what is not checked for UTF-8 begins here
		hi    uint64
		quote = t.quote
		bits  = quoteBits(quote)
	)
	for {
		if len(b)-i >= 8 {
			x := load64(b, i)
			hi |= x
			m := valueMask(x, bits)
			if m == 0 {
				i += 8
				continue
			}
			i += firstMark(m)
		} else {
			for i < len(b) && !stopsValue(b[i], quote) {
				hi |= uint64(b[i])
				i++
			}
			if i == len(b) {
				return s.suspendRun(b, run, completeEnd(b, run), phValue)
			}
		}
		switch c := b[i]; c {
		case quote:
			if hi&highs != 0 && s.badRun(b, run, i) {
				return i, failed
			}
			return i, goOn
		case '&':
			t.special = true
			_, next, condition, detail := reference(b, i)
			if next <= 0 {
				return s.badReference(b, run, i, phValue, next, condition, detail)
			}
			i = next
		case '\t', '\n', '\r':
			t.special = true
			i++
		case '<':
			return s.failRun(b, run, ConditionNotWellFormed, i, got("an attribute value", c))
		default:
			return s.failRun(b, run, ConditionNotWellFormed, i, got("an XML character", c))
		}
	}
}

func stopsValue(c, quote byte) bool { return c == '<' || c == '&' || c == quote || c < ' ' }

// addAttr takes note of the attribute whose value ends at end.
func (s *state) addAttr(b []byte, name qname, end int) verdict {
	t := &s.tag
	if b[name.off()] == 'x' && isDeclaration(name, b) {
		return s.declare(b, end)
	}
	bit := nameBit(uint(name.size()), b[name.off()], b[name.off()+name.size()-1])
	if t.seen&bit != 0 && s.hasAttr(b, name) {
		_, v := s.fail(ConditionNotWellFormed, int(name.off()), "expected another attribute, got the same one again")
		return v
	}
	t.seen |= bit
	if name.prefixLen() > 0 {
		t.prefixed++
	}
	s.attrBuf = append(s.attrBuf, attr{name: name, valOff: uint32(t.valOff), valLen: uint32(end - t.valOff)})
	if len(s.stack) == 0 {
		s.noteAttr(b, name, len(s.attrBuf)-1)
	}
	return goOn
}

// nameBit returns the bit of startTag.seen that a name of this size between these bytes sets.
func nameBit(size uint, first, last byte) uint64 {
	return 1 << ((size + 5*uint(first) + 3*uint(last)) & 63)
}

// hasAttr reports whether the tag being read already has this attribute.
func (s *state) hasAttr(b []byte, name qname) bool {
	for i := s.tag.attrBase; i < len(s.attrBuf); i++ {
		if n := s.attrBuf[i].name; n.size() == name.size() && same(b, n.off(), name.off(), n.size()) {
			return true
		}
	}
	return false
}

// noteAttr remembers where the attributes of the top element are that everybody
// asks for. The attribute is attrBuf[n].
func (s *state) noteAttr(b []byte, name qname, n int) {
	at := int32(n)
	switch string(name.all(b)) {
	case "to":
		s.to = at
	case "id":
		s.id = at
	case "from":
		s.from = at
	case "type":
		s.typ = at
	case "xml:lang":
		s.lang = at
	}
}

// tagEnd takes note of a complete start tag that ends at end.
func (s *state) tagEnd(b []byte, end int, empty bool) (int, verdict) {
	t := &s.tag
	ns := s.def
	if t.name.prefixLen() > 0 {
		var ok bool
		if ns, ok = s.resolve(b, t.name); !ok {
			return s.fail(ConditionNotWellFormed, int(t.name.off()), "expected a declared prefix of an element, got another one")
		}
	} else if ns.n >= refHeader || ns == (nsRef{}) {
		s.usedDefault = true
	}
	if t.prefixed > 0 {
		if at, detail := s.resolveAttrs(b); detail != "" {
			return s.fail(ConditionNotWellFormed, at, detail)
		}
	}
	return s.opened(b, ns, end, empty)
}

// opened takes note of an element in namespace ns whose start tag ends at end.
func (s *state) opened(b []byte, ns nsRef, end int, empty bool) (int, verdict) {
	t := &s.tag
	switch len(s.stack) {
	case 0:
		return s.topEnd(b, ns, end, empty)
	case 1:
		s.addChild(ns, end, empty)
	}
	if empty {
		s.def = t.def
		s.binds = s.binds[:t.bindBase]
		return end, goOn
	}
	s.stack = append(s.stack, open{name: t.name, def: t.def, binds: uint32(t.bindBase)})
	return end, goOn
}

// topEnd takes note of the start tag of the frame's top element.
func (s *state) topEnd(b []byte, ns nsRef, end int, empty bool) (int, verdict) {
	s.name, s.ns = s.tag.name, ns
	s.topAttrs, s.topBinds = len(s.attrBuf), len(s.binds)
	s.contentStart, s.contentEnd = uint32(end), uint32(end)
	if s.kind == StreamOpen {
		return s.headerEnd(b, end, empty)
	}
	if empty {
		return end, done
	}
	s.stack = append(s.stack, open{name: s.name, def: s.tag.def})
	return end, goOn
}

// addChild takes note of the start tag of a first-level child.
func (s *state) addChild(ns nsRef, end int, empty bool) {
	if len(s.childs) == maxChildren {
		s.moreChildren = true
		return
	}
	c := child{name: s.tag.name, ns: ns, def: s.def, start: uint32(s.tag.start), tagEnd: uint32(end)}
	if empty {
		c.contentEnd, c.end = c.tagEnd, c.tagEnd
	}
	s.childs = append(s.childs, c)
}
