package parser

import "strconv"

// Conditions of stream errors that the parser reports, by their names in
// RFC 6120 §4.9.3.
const (
	// ConditionBadFormat (§4.9.3.1): XML that is well formed but cannot be part
	// of a stream, such as text between stanzas or a root that is not <stream>.
	ConditionBadFormat = "bad-format"
	// ConditionBadNamespacePrefix (§4.9.3.2): the root lacks the prefix that its
	// own header binds to the streams namespace.
	ConditionBadNamespacePrefix = "bad-namespace-prefix"
	// ConditionInvalidNamespace (§4.9.3.10): the root is not in the streams namespace.
	ConditionInvalidNamespace = "invalid-namespace"
	// ConditionNotWellFormed (§4.9.3.13): a violation of XML 1.0 or of Namespaces in XML.
	ConditionNotWellFormed = "not-well-formed"
	// ConditionPolicyViolation (§4.9.3.14): a field of [Limits] was passed.
	ConditionPolicyViolation = "policy-violation"
	// ConditionRestrictedXML (§4.9.3.18, §11.1): comment, processing
	// instruction, DTD or a reference to an entity that is not predefined.
	ConditionRestrictedXML = "restricted-xml"
	// ConditionUnsupportedEncoding (§4.9.3.22, §11.6): not UTF-8, whether
	// declared so or found so.
	ConditionUnsupportedEncoding = "unsupported-encoding"
)

// Error says why a stream is broken. Nothing after it can be read.
type Error struct {
	Condition string // one of the Condition constants, an element name of RFC 6120 §4.9.3
	Offset    int64  // bytes from the stream's start to the offending one
	Detail    string // "expected X, got Y", or the limit that was passed; ASCII, no input beyond a single character
}

// Error implements the error interface.
func (e *Error) Error() string {
	return "parser: " + e.Condition + " at byte " + strconv.FormatInt(e.Offset, 10) + ": " + e.Detail
}

// Is reports whether target is an *Error whose non-empty fields equal those of
// e: &Error{Condition: c} matches any error of that condition. Offset zero
// matches any.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok &&
		(t.Condition == "" || t.Condition == e.Condition) &&
		(t.Offset == 0 || t.Offset == e.Offset) &&
		(t.Detail == "" || t.Detail == e.Detail)
}

// limitDetail names a limit and its value.
func limitDetail(name string, value int) string {
	return name + " limit is " + strconv.Itoa(value)
}

// got describes one byte of input for a Detail.
func got(want string, c byte) string {
	switch {
	case c == '\'':
		return "expected " + want + `, got "'"`
	case c > ' ' && c < 0x7f:
		return "expected " + want + ", got '" + string(rune(c)) + "'"
	}
	const hex = "0123456789ABCDEF"
	return "expected " + want + ", got byte 0x" + string([]byte{hex[c>>4], hex[c&15]})
}
