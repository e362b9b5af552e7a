package parser

import "bytes"

// Parse reads one complete standalone document, such as stored data or a test's
// input, with the default limits except the one of size. White space around the
// root and an XML declaration are allowed. The Element borrows b and is valid
// until b changes. An error is an *Error.
func Parse(b []byte) (Element, error) {
	limits := defaultLimits
	limits.StanzaBytes = min(len(b)+1, maxStanzaBytes)
	st := Stream{header: noHeader, pos: inStream, limits: &limits}
	n := 0
	if bytes.HasPrefix(b, []byte(declStart)) {
		before := Stream{}
		k, wait, fail := before.prolog(b)
		if wait {
			fail = failure{ConditionNotWellFormed, "expected the end of the XML declaration, got the end of input", len(b)}
		}
		if fail.condition != "" {
			_, _, err := st.broken(fail, 0)
			return Element{}, err
		}
		n, st.offset = k, int64(k)
	}
	f, used, err := NewScanner().Next(&st, b[n:])
	if err != nil {
		return Element{}, err
	}
	if f == nil {
		return Element{}, &Error{ConditionNotWellFormed, int64(len(b)), "expected the end of the root, got the end of input"}
	}
	if rest := b[n+used:]; !isWhite(rest) {
		at := skipSpace(rest, 0)
		return Element{}, &Error{ConditionNotWellFormed, int64(n + used + at), got("nothing behind the root", rest[at])}
	}
	return f.Element(), nil
}
