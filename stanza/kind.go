package stanza

// Kind tells the three stanzas of RFC 6120 §8.2 apart.
type Kind uint8

// The stanza kinds. KindNone is the zero value: not a stanza.
const (
	KindNone Kind = iota
	KindMessage
	KindPresence
	KindIQ
)

// String is the element's local name, or "" for KindNone.
func (k Kind) String() string {
	switch k {
	case KindMessage:
		return "message"
	case KindPresence:
		return "presence"
	case KindIQ:
		return "iq"
	}
	return ""
}

// KindOf names the kind of an element in a content namespace by its local
// name; KindNone when it is no stanza.
func KindOf(local []byte) Kind {
	switch string(local) {
	case "message":
		return KindMessage
	case "presence":
		return KindPresence
	case "iq":
		return KindIQ
	}
	return KindNone
}

// Type is the value of a stanza's type attribute. The names are shared by
// the kinds ("error" exists for all three); which are allowed depends on the
// kind, see TypeOf.
type Type uint8

// The types of RFC 6120 §8.2.3 (IQ) and RFC 6121 §4.7.1 (presence), §5.2.2
// (message). TypeNone stands for an absent attribute: available presence, or
// a message that is handled as normal.
const (
	TypeNone Type = iota
	TypeError

	TypeGet
	TypeSet
	TypeResult

	TypeNormal
	TypeChat
	TypeGroupchat
	TypeHeadline

	TypeUnavailable
	TypeSubscribe
	TypeSubscribed
	TypeUnsubscribe
	TypeUnsubscribed
	TypeProbe

	// TypeUnknown is any other value. RFC 6121 §5.2.2 has messages of an
	// unknown type handled as normal; for the others it is an error.
	TypeUnknown
)

var typeNames = [...]string{
	TypeNone: "", TypeError: "error",
	TypeGet: "get", TypeSet: "set", TypeResult: "result",
	TypeNormal: "normal", TypeChat: "chat", TypeGroupchat: "groupchat", TypeHeadline: "headline",
	TypeUnavailable: "unavailable", TypeSubscribe: "subscribe", TypeSubscribed: "subscribed",
	TypeUnsubscribe: "unsubscribe", TypeUnsubscribed: "unsubscribed", TypeProbe: "probe",
	TypeUnknown: "",
}

// String is the attribute's value, "" for TypeNone and TypeUnknown.
func (t Type) String() string { return typeNames[t] }

// TypeOf reads the type attribute of a stanza of kind k. It answers
// TypeUnknown for a value that k does not have.
func TypeOf(k Kind, value []byte) Type {
	first, last := typeRange(k)
	for t := first; t <= last; t++ {
		if string(value) == typeNames[t] {
			return t
		}
	}
	if string(value) == "error" {
		return TypeError
	}
	return TypeUnknown
}

// typeRange is the block of constants that belongs to k alone.
func typeRange(k Kind) (first, last Type) {
	switch k {
	case KindIQ:
		return TypeGet, TypeResult
	case KindMessage:
		return TypeNormal, TypeHeadline
	case KindPresence:
		return TypeUnavailable, TypeProbe
	}
	return TypeUnknown, TypeNone
}
