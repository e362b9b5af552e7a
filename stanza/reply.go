package stanza

import (
	"bytes"

	"github.com/xylem-im/xylem/parser"
)

// AppendError appends the error reply to v (RFC 6120 §8.3.1): same kind and
// id, from and to as given (prepared addresses; empty ones are left out). The
// caller sees to it that v is not itself an error or an IQ result, which must
// not be answered. The original payload is not sent back: it may be large,
// and the id tells the sender which stanza failed.
func AppendError(dst []byte, v *View, from, to string, e Error) []byte {
	dst = appendReply(dst, v, TypeError, from, to)
	dst = append(dst, '>')
	dst = e.Append(dst)
	return appendEnd(dst, v.Kind)
}

// AppendResult appends the empty result of the IQ v, RFC 6120 §8.2.3.
func AppendResult(dst []byte, v *View, from, to string) []byte {
	dst = appendReply(dst, v, TypeResult, from, to)
	return append(dst, "/>"...)
}

// AppendResultPayload appends the result of the IQ v with one child, given as
// complete XML that relies on no outer declaration but jabber:client.
func AppendResultPayload(dst []byte, v *View, from, to string, payload []byte) []byte {
	dst = appendReply(dst, v, TypeResult, from, to)
	dst = append(dst, '>')
	dst = append(dst, payload...)
	return appendEnd(dst, v.Kind)
}

// Append appends the <error/> element, RFC 6120 §8.3.2.
func (e Error) Append(dst []byte) []byte {
	cond, typ := e.Condition, e.Type
	if cond == "" {
		cond = UndefinedCondition
	}
	if typ == "" {
		typ = cond.Type()
	}
	dst = append(dst, "<error type='"...)
	dst = append(dst, typ...)
	dst = append(dst, "'>"...)
	dst = appendCondition(dst, NSStanzas, string(cond), e.Text)
	dst = append(dst, e.App...)
	return append(dst, "</error>"...)
}

// appendCondition appends what an error says: its condition, and its text if there
// is one, in the namespace of errors of its kind.
func appendCondition(dst []byte, ns, condition, text string) []byte {
	dst = append(append(dst, '<'), condition...)
	dst = append(AppendAttr(dst, "xmlns", ns), "/>"...)
	if text == "" {
		return dst
	}
	dst = AppendAttr(append(dst, "<text"...), "xmlns", ns)
	dst = parser.AppendText(append(dst, " xml:lang='en'>"...), text)
	return append(dst, "</text>"...)
}

// appendReply opens the start tag of a reply, without its end.
func appendReply(dst []byte, v *View, typ Type, from, to string) []byte {
	dst = append(dst, '<')
	dst = append(dst, v.Kind.String()...)
	if from != "" {
		dst = AppendAttr(dst, "from", from)
	}
	if to != "" {
		dst = AppendAttr(dst, "to", to)
	}
	if id, ok := v.Frame.ID(); ok {
		dst = AppendRawAttr(dst, "id", id)
	}
	return AppendAttr(dst, "type", typ.String())
}

func appendEnd(dst []byte, k Kind) []byte {
	dst = append(dst, "</"...)
	dst = append(dst, k.String()...)
	return append(dst, '>')
}

// AppendAttr appends ` name='value'` with value escaped.
func AppendAttr(dst []byte, name, value string) []byte {
	dst = append(dst, ' ')
	dst = append(dst, name...)
	dst = append(dst, "='"...)
	dst = parser.AppendAttr(dst, value)
	return append(dst, '\'')
}

// AppendAddress appends a full address as an attribute.
func AppendAddress(dst []byte, name, bare, resource string) []byte {
	dst = append(append(append(dst, ' '), name...), "='"...)
	dst = append(parser.AppendAttr(dst, bare), '/')
	return append(parser.AppendAttr(dst, resource), '\'')
}

// AppendRawAttr appends an attribute whose value is already escaped as it
// came from a peer, in the quotes that it does not contain.
func AppendRawAttr(dst []byte, name string, raw []byte) []byte {
	quote := byte('\'')
	if bytes.IndexByte(raw, quote) >= 0 {
		quote = '"'
	}
	dst = append(dst, ' ')
	dst = append(dst, name...)
	dst = append(dst, '=', quote)
	dst = append(dst, raw...)
	return append(dst, quote)
}
