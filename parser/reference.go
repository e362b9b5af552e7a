package parser

// maxReference bounds a reference from '&' to ';' in bytes. XML sets no bound,
// since a character reference may begin with any number of zeros; nobody writes
// such, and a bound lets a cut reference be read again from its start.
const maxReference = 64

// reference reads the reference at b[i] == '&'. next is the index behind its
// ';', or 0 when more input is needed. A reference that must be refused gives
// next < 0 with the condition and detail.
func reference(b []byte, i int) (r rune, next int, condition, detail string) {
	j := i + 1
	last := min(len(b), i+maxReference)
	numeric := j < len(b) && b[j] == '#'
	if numeric {
		j++
	}
	for j < last && (class[b[j]]&clsName != 0 || b[j] == ':' || b[j] >= 0x80) {
		j++
	}
	switch {
	case j == last && j-i == maxReference && numeric:
		return 0, -1, ConditionPolicyViolation, limitDetail("reference bytes", maxReference)
	case j == last && j-i == maxReference:
		return 0, -1, ConditionRestrictedXML, "expected a predefined entity, got another one"
	case j == last:
		return 0, 0, "", ""
	case b[j] != ';':
		return 0, -1, ConditionNotWellFormed, got("';' at the end of a reference", b[j])
	}
	r, ok := referent(b[i+1 : j])
	switch {
	case ok:
		return r, j + 1, "", ""
	case numeric:
		return 0, -1, ConditionNotWellFormed, "expected a reference to an XML character, got none"
	case j > i+1 && (class[b[i+1]]&clsStart != 0 || b[i+1] >= 0x80 || b[i+1] == ':'):
		return 0, -1, ConditionRestrictedXML, "expected a predefined entity, got another one"
	}
	return 0, -1, ConditionNotWellFormed, "expected the name of an entity, got none"
}

// referent returns the character that a reference stands for, given what is
// between '&' and ';'.
func referent(name []byte) (r rune, ok bool) {
	switch string(name) {
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "amp":
		return '&', true
	case "apos":
		return '\'', true
	case "quot":
		return '"', true
	}
	if len(name) < 2 || name[0] != '#' {
		return 0, false
	}
	digits, base := name[1:], rune(10)
	if digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	if len(digits) == 0 {
		return 0, false
	}
	for _, c := range digits {
		d := digit(c)
		if d >= base {
			return 0, false
		}
		if r = r*base + d; r > 0x10FFFF {
			return 0, false
		}
	}
	return r, isChar(r)
}

// digit returns the value of a hexadecimal digit, 16 for anything else.
func digit(c byte) rune {
	switch {
	case '0' <= c && c <= '9':
		return rune(c - '0')
	case 'a' <= c && c <= 'f':
		return rune(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return rune(c-'A') + 10
	}
	return 16
}
