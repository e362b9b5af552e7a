package parser

import "unicode/utf8"

// bytestring is what the escaping functions take.
type bytestring interface{ ~string | ~[]byte }

const replacement = "\uFFFD"

// AppendText appends s as XML character data. '<', '>', '&' and CR are
// escaped; whatever XML cannot carry (invalid UTF-8, control characters,
// U+FFFE, U+FFFF) becomes U+FFFD, so the result is always well formed.
func AppendText[T bytestring](dst []byte, s T) []byte {
	return appendEscaped(dst, s, false)
}

// AppendAttr appends s as an attribute value for quotes of either kind. In
// addition to what AppendText escapes, both quotes, tab and LF are, so that
// attribute-value normalisation gives s back.
func AppendAttr[T bytestring](dst []byte, s T) []byte {
	return appendEscaped(dst, s, true)
}

func appendEscaped[T bytestring](dst []byte, s T, attr bool) []byte {
	if isPlain(s) {
		return append(dst, s...)
	}
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := decodeRune(s, i)
			if n == 1 || r == 0xFFFE || r == 0xFFFF {
				dst = append(append(dst, s[from:i]...), replacement...)
				from = i + n
			}
			i += n
			continue
		}
		if esc := escapeOf(c, attr); esc != "" {
			dst = append(append(dst, s[from:i]...), esc...)
			from = i + 1
		}
		i++
	}
	return append(dst, s[from:]...)
}

// isPlain tells whether s needs no escaping anywhere: addresses, ids and
// names of namespaces nearly never do.
func isPlain[T bytestring](s T) bool {
	var seen uint8
	for i := 0; i < len(s); i++ {
		seen |= notPlain[s[i]]
	}
	return seen == 0
}

// notPlain marks what appendEscaped must look at: all but printable ASCII
// without markup and quotes.
var notPlain = func() (t [256]uint8) {
	for c := range t {
		if c < ' ' || c > '~' || escapeOf(byte(c), true) != "" {
			t[c] = 1
		}
	}
	return t
}()

// escapeOf returns what stands for the ASCII character c, "" for itself.
func escapeOf(c byte, attr bool) string {
	switch c {
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '&':
		return "&amp;"
	case '\r':
		return "&#13;"
	}
	if attr {
		switch c {
		case '\'':
			return "&apos;"
		case '"':
			return "&quot;"
		case '\t':
			return "&#9;"
		case '\n':
			return "&#10;"
		}
	}
	if c < ' ' && c != '\t' && c != '\n' {
		return replacement
	}
	return ""
}

// decodeRune decodes the rune at s[i]; n is 1 when it is not valid UTF-8.
func decodeRune[T bytestring](s T, i int) (r rune, n int) {
	var tmp [utf8.UTFMax]byte
	n = copy(tmp[:], s[i:min(i+utf8.UTFMax, len(s))])
	return utf8.DecodeRune(tmp[:n])
}

// AppendUnescaped appends raw with the predefined entities and character
// references replaced by what they mean. raw is character data or an attribute
// value as a Frame lends it; a reference that is none is copied as it is. Line
// ends and CDATA sections are left as they are; see [Element.AppendText].
func AppendUnescaped[T bytestring](dst []byte, raw T) []byte {
	from := 0
	for i := 0; i < len(raw); {
		if raw[i] != '&' {
			i++
			continue
		}
		end := i + 1
		for end < len(raw) && end-i < maxReference && raw[end] != ';' {
			end++
		}
		if end == len(raw) || raw[end] != ';' {
			i++
			continue
		}
		r, ok := referent([]byte(raw[i+1 : end]))
		if !ok {
			i++
			continue
		}
		dst = utf8.AppendRune(append(dst, raw[from:i]...), r)
		i = end + 1
		from = i
	}
	return append(dst, raw[from:]...)
}

// Unescape returns raw with its references replaced. It returns raw itself when
// there are none, otherwise a new slice.
func Unescape(raw []byte) []byte {
	for _, c := range raw {
		if c == '&' {
			return AppendUnescaped(make([]byte, 0, len(raw)), raw)
		}
	}
	return raw
}

// appendValue is AppendUnescaped with the normalisation of attribute values
// (XML 1.0 §3.3.3): white space written literally becomes a space.
func appendValue(dst, raw []byte) []byte {
	from := 0
	for i := 0; i < len(raw); i++ {
		if !isLineSpace(raw[i]) {
			continue
		}
		dst = AppendUnescaped(dst, raw[from:i])
		// CR LF is one line end, hence one space (XML 1.0 §2.11).
		if raw[i] != '\r' || i+1 == len(raw) || raw[i+1] != '\n' {
			dst = append(dst, ' ')
		}
		from = i + 1
	}
	return AppendUnescaped(dst, raw[from:])
}

func isLineSpace(c byte) bool { return c == '\t' || c == '\n' || c == '\r' }
