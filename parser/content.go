package parser

import "unicode/utf8"

// text reads character data at b[i:] up to the next '<', whose index it returns.
func (s *state) text(b []byte, i int) (int, verdict) {
	var (
		run = i // what is not checked for UTF-8 and for being white begins here
		hi  uint64
	)
	for {
		if len(b)-i >= 8 {
			x := load64(b, i)
			hi |= x
			m := textMask(x)
			if m == 0 {
				if i += 8; i-run == longAfter {
					i, hi = longText(b, i, hi)
				}
				continue
			}
			i += firstMark(m)
		} else {
			for i < len(b) && !stopsText(b[i]) {
				hi |= uint64(b[i])
				i++
			}
			if i == len(b) {
				return s.suspendRun(b, run, completeEnd(b, run), phContent)
			}
		}
		switch c := b[i]; c {
		case '<':
			if hi&highs != 0 && s.badRun(b, run, i) {
				return i, failed
			}
			s.noteText(b[run:i])
			return i, goOn
		case '&':
			r, next, condition, detail := reference(b, i)
			if next <= 0 {
				return s.badReference(b, run, i, phContent, next, condition, detail)
			}
			if s.badRun(b, run, i) {
				return i, failed
			}
			s.noteText(b[run:i])
			if len(s.stack) == 1 && (r >= utf8.RuneSelf || !isSpace(byte(r))) {
				s.hasText = true
			}
			i, run, hi = next, next, 0
		case ']':
			switch {
			case i+1 < len(b) && b[i+1] != ']':
			case i+2 >= len(b):
				return s.suspendRun(b, run, i, phContent)
			case b[i+2] == '>':
				return s.failRun(b, run, ConditionNotWellFormed, i, "expected character data, got ']]>'")
			}
			i++
		case '\t', '\n', '\r':
			i++
		default:
			return s.failRun(b, run, ConditionNotWellFormed, i, got("an XML character", c))
		}
	}
}

// longAfter is how many bytes of a run are looked at before it is taken for a long one.
const longAfter = 16

// longText skips what textMask marks nowhere, 32 bytes at a time: the body of a message,
// for which that takes half as long. hi collects the bytes.
func longText(b []byte, i int, hi uint64) (int, uint64) {
	for len(b)-i >= 32 {
		w, x, y, z := load64(b, i), load64(b, i+8), load64(b, i+16), load64(b, i+24)
		if textMask(w)|textMask(x)|textMask(y)|textMask(z) != 0 {
			break
		}
		hi |= w | x | y | z
		i += 32
	}
	return i, hi
}

func stopsText(c byte) bool { return c == '<' || c == '&' || c == ']' || c < ' ' }

// noteText looks for text directly in the top element.
func (s *state) noteText(run []byte) {
	if len(s.stack) == 1 && !s.hasText && !isWhite(run) {
		s.hasText = true
	}
}

// badRun checks that b[from:to] is UTF-8 and has none of the two non-characters
// that XML excludes; if not, it sets the failure.
func (s *state) badRun(b []byte, from, to int) bool {
	at, encoding := invalidChar(b[from:to])
	switch {
	case at < 0:
		return false
	case encoding:
		s.fail(ConditionUnsupportedEncoding, from+at, got("UTF-8", b[from+at]))
	default:
		s.fail(ConditionNotWellFormed, from+at, "expected an XML character, got U+FFFE or U+FFFF")
	}
	return true
}

// failRun fails at index at, unless the run before it, from index run on, has an
// earlier error. So the first error wins however the input was cut.
func (s *state) failRun(b []byte, run int, condition string, at int, detail string) (int, verdict) {
	if s.badRun(b, run, at) {
		return at, failed
	}
	return s.fail(condition, at, detail)
}

// suspendRun suspends inside a run of characters that begins at run and is
// complete up to at.
func (s *state) suspendRun(b []byte, run, at int, ph phase) (int, verdict) {
	if s.badRun(b, run, at) {
		return at, failed
	}
	if ph != phValue {
		s.noteText(b[run:at])
	}
	return s.suspend(ph, at)
}

// badReference handles a reference at index at that is not complete (next is 0)
// or not allowed.
func (s *state) badReference(b []byte, run, at int, ph phase, next int, condition, detail string) (int, verdict) {
	if next == 0 {
		return s.suspendRun(b, run, at, ph)
	}
	return s.failRun(b, run, condition, at, detail)
}

// declaration reads what begins with "<!": RFC 6120 §11.1 leaves only CDATA
// sections, which it does not name among the features that are prohibited.
func (s *state) declaration(b []byte, i int) (int, verdict) {
	rest := b[i:]
	if len(rest) < 3 {
		return s.suspend(phContent, i)
	}
	switch c := rest[2]; {
	case c == '-':
		return s.fail(ConditionRestrictedXML, i, "expected an element, got a comment")
	case class[c]&clsStart != 0:
		return s.fail(ConditionRestrictedXML, i, "expected an element, got a document type declaration")
	case c != '[':
		return s.fail(ConditionNotWellFormed, i+2, got("'[' of a CDATA section", c))
	}
	n := min(len(rest), len(cdataStart))
	if string(rest[:n]) != string(cdataStart[:n]) {
		return s.fail(ConditionNotWellFormed, i, "expected a CDATA section, got another one")
	}
	if n < len(cdataStart) {
		return s.suspend(phContent, i)
	}
	if len(s.stack) > 0 {
		return s.cdata(b, i+n)
	}
	if s.kind == StreamOpen {
		return s.fail(ConditionNotWellFormed, i, "expected the stream header, got a CDATA section")
	}
	return s.fail(ConditionBadFormat, i, "expected a stanza, got a CDATA section")
}

// cdata reads a CDATA section from inside it to its end.
func (s *state) cdata(b []byte, i int) (int, verdict) {
	run := i
	for ; i < len(b); i++ {
		switch c := b[i]; {
		case c == ']':
			switch {
			case i+1 < len(b) && b[i+1] != ']':
				continue
			case i+2 >= len(b):
				return s.suspendRun(b, run, i, phCDATA)
			case b[i+2] != '>':
				continue
			}
			if s.badRun(b, run, i) {
				return i, failed
			}
			s.noteText(b[run:i])
			return i + len(cdataEnd), goOn
		case c < ' ' && !isSpace(c):
			return s.failRun(b, run, ConditionNotWellFormed, i, got("an XML character", c))
		}
	}
	return s.suspendRun(b, run, completeEnd(b, run), phCDATA)
}
