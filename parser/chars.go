package parser

import (
	"bytes"
	"unicode/utf8"
)

// Classes of ASCII bytes. The colon is in none of them: it separates the two
// parts of a qualified name.
const (
	clsStart = 1 << iota // may begin a name (NameStartChar)
	clsName              // may continue a name (NameChar)
	clsSpace             // white space
)

// class is a frozen table.
var class = makeClass()

func makeClass() (t [256]uint8) {
	for c := 'a'; c <= 'z'; c++ {
		t[c] = clsStart | clsName
		t[c-'a'+'A'] = clsStart | clsName
	}
	for c := '0'; c <= '9'; c++ {
		t[c] = clsName
	}
	t['_'] = clsStart | clsName
	t['-'], t['.'] = clsName, clsName
	t[' '], t['\t'], t['\n'], t['\r'] = clsSpace, clsSpace, clsSpace, clsSpace
	return t
}

// endsName has the bytes that can stand behind a name in a start tag. Frozen.
var endsName = [256]bool{' ': true, '\t': true, '\n': true, '\r': true, '=': true, '>': true, '/': true}

func isSpace(c byte) bool { return class[c]&clsSpace != 0 }

// isWhite reports whether b is nothing but white space.
func isWhite(b []byte) bool {
	for _, c := range b {
		if !isSpace(c) {
			return false
		}
	}
	return true
}

// isChar holds production [2] Char of XML 1.0.
func isChar(r rune) bool {
	switch {
	case r < ' ':
		return r == '\t' || r == '\n' || r == '\r'
	case r < 0xD800:
		return true
	case r < 0xE000:
		return false
	}
	return r != 0xFFFE && r != 0xFFFF && r <= utf8.MaxRune
}

// isNameStart holds production [4] NameStartChar of XML 1.0 (fifth edition) for
// characters beyond ASCII.
func isNameStart(r rune) bool {
	switch {
	case r < 0x300:
		return r >= 0xC0 && r != 0xD7 && r != 0xF7
	case r < 0x2000:
		return r >= 0x370 && r != 0x37E
	case r < 0x3001:
		return r == 0x200C || r == 0x200D || 0x2070 <= r && r <= 0x218F || 0x2C00 <= r && r <= 0x2FEF
	case r < 0xE000:
		return r <= 0xD7FF
	}
	return 0xF900 <= r && r <= 0xFDCF || 0xFDF0 <= r && r <= 0xFFFD || 0x10000 <= r && r <= 0xEFFFF
}

// isNameChar holds production [4a] NameChar for characters beyond ASCII.
func isNameChar(r rune) bool {
	return isNameStart(r) || r == 0xB7 || 0x300 <= r && r <= 0x36F || r == 0x203F || r == 0x2040
}

// invalidChar returns the index in b of the first byte sequence that is not
// UTF-8 or encodes U+FFFE or U+FFFF, and which of the two; -1 if there is none.
// It does not look at control characters.
func invalidChar(b []byte) (at int, encoding bool) {
	if utf8.Valid(b) && !hasNonCharacter(b) {
		return -1, false
	}
	for i := 0; i < len(b); {
		if b[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		if n == 1 {
			return i, true
		}
		if r == 0xFFFE || r == 0xFFFF {
			return i, false
		}
		i += n
	}
	return -1, false
}

// hasNonCharacter looks for EF BF BE and EF BF BF in valid UTF-8.
func hasNonCharacter(b []byte) bool {
	for {
		i := bytes.IndexByte(b, 0xEF)
		if i < 0 || i+2 >= len(b) {
			return false
		}
		if b[i+1] == 0xBF && b[i+2] >= 0xBE {
			return true
		}
		b = b[i+3:]
	}
}

// completeEnd returns the largest index to which b[from:] does not end in the
// middle of a UTF-8 sequence.
func completeEnd(b []byte, from int) int {
	for back := 1; back < utf8.UTFMax && len(b)-back >= from; back++ {
		i := len(b) - back
		switch c := b[i]; {
		case c < utf8.RuneSelf:
			return len(b)
		case c >= 0xC2 && c <= 0xF4: // a lead byte
			if back < leadLen(c) {
				return i
			}
			return len(b)
		case c >= 0xC0: // never valid
			return len(b)
		}
	}
	return len(b)
}

// leadLen returns the length of the UTF-8 sequence that c begins.
func leadLen(c byte) int {
	switch {
	case c < 0xE0:
		return 2
	case c < 0xF0:
		return 3
	}
	return 4
}
