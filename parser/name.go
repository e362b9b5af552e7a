package parser

import "unicode/utf8"

// nameResult is how scanName ended.
type nameResult uint8

const (
	nameOK   nameResult = iota
	nameMore            // the input ends inside the name or right behind it
	nameBad             // a byte that cannot stand there
	nameUTF8            // a sequence that is not UTF-8
)

// scanName reads a qualified name (Namespaces in XML §4) at b[i:]. end is behind
// its last accepted byte, colon the index of its colon, 0 if there is none. The
// byte behind an accepted name exists and cannot continue it.
func scanName(b []byte, i int) (end, colon int, result nameResult) {
	j := i
	if len(b)-i >= 8 {
		// Most names are a few lower-case letters with markup behind them.
		j += firstMark(nameMask(load64(b, i)) | 1<<63)
		if endsName[b[j]] && j > i {
			return j, 0, nameOK
		}
	}
	if j == i && (j >= len(b) || class[b[j]]&clsStart == 0) {
		return scanNameSlow(b, i)
	}
	for j < len(b) && class[b[j]]&clsName != 0 {
		j++
	}
	if j == len(b) {
		return j, 0, nameMore
	}
	switch c := b[j]; {
	case c == ':':
		colon = j
		if j++; j == len(b) || class[b[j]]&clsStart == 0 {
			return scanNameSlow(b, i)
		}
		for j < len(b) && class[b[j]]&clsName != 0 {
			j++
		}
		if j == len(b) {
			return j, 0, nameMore
		}
		if b[j] == ':' || b[j] >= utf8.RuneSelf {
			return scanNameSlow(b, i)
		}
		return j, colon, nameOK
	case c >= utf8.RuneSelf:
		return scanNameSlow(b, i)
	}
	return j, 0, nameOK
}

// scanNameSlow is scanName for names with characters beyond ASCII and for those
// that are wrong.
func scanNameSlow(b []byte, i int) (end, colon int, result nameResult) {
	first := true // at the start of either part
	for j := i; ; {
		if j == len(b) {
			return j, 0, nameMore
		}
		c := b[j]
		n, ok := 1, false
		switch {
		case c >= utf8.RuneSelf:
			if !utf8.FullRune(b[j:]) {
				return j, 0, nameMore
			}
			var r rune
			if r, n = utf8.DecodeRune(b[j:]); n == 1 {
				return j, 0, nameUTF8
			}
			ok = isNameStart(r) || !first && isNameChar(r)
		case c == ':' && !first && colon == 0:
			colon, first = j, true
			j++
			continue
		case first:
			ok = class[c]&clsStart != 0
		default:
			ok = class[c]&clsName != 0
			if !ok && c != ':' {
				return j, colon, nameOK
			}
		}
		if !ok {
			return j, 0, nameBad
		}
		first = false
		j += n
	}
}
