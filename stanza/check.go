package stanza

// Check holds the rules of RFC 6120 §8.1 and §8.2.3 that do not depend on the
// addressee; e is the answer to a stanza that breaks one.
func (v *View) Check() (e Error, ok bool) {
	if v.Kind == KindMessage {
		return e, true // RFC 6121 §5.2.2: an unknown type is handled as normal
	}
	if v.Type == TypeUnknown {
		return Error{Condition: BadRequest, Text: "unknown type"}, false
	}
	if v.Kind != KindIQ {
		return e, true
	}
	_, hasID := v.Frame.ID()
	children := v.ChildCount(2)
	switch {
	case !hasID:
		return Error{Condition: BadRequest, Text: "an IQ has an id"}, false
	case v.Type == TypeNone:
		return Error{Condition: BadRequest, Text: "an IQ has a type"}, false
	case (v.Type == TypeGet || v.Type == TypeSet) && children != 1:
		return Error{Condition: BadRequest, Text: "an IQ of type get or set has one child"}, false
	case v.Type == TypeResult && children > 1:
		return Error{Condition: BadRequest, Text: "an IQ of type result has one child at most"}, false
	}
	return e, true
}

// Answerable tells whether v may be answered with an error: it is not an error
// itself (RFC 6120 §8.3.1), and not an IQ result (§8.2.3).
func (v *View) Answerable() bool {
	return v.Type != TypeError && (v.Kind != KindIQ || v.Type != TypeResult)
}
