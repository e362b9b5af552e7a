package routing

import "github.com/xylem-im/xylem/stanza"

// action is what the delivery rules do with a stanza for a local account.
type action uint8

const (
	ignore      action = iota // drop it in silence
	refuse                    // answer service-unavailable
	badRequest                // answer bad-request: the type is missing or wrong, RFC 6120 §8.2
	toAccount                 // the server handles it for the account
	toResource                // to the resource that matches
	toMost                    // to the resources with the highest priority >= 0, else offline
	toNonNeg                  // to the resources with priority >= 0, else drop it
	toAvailable               // to the available resources, else drop it
)

// class groups the stanzas that the rules treat alike.
type class uint8

const (
	normal class = iota
	chat
	groupchat
	headline
	messageError
	availability // available and unavailable presence
	subscription // subscribe, subscribed, unsubscribe, unsubscribed
	probe
	presenceError
	request  // IQ get and set
	response // IQ result and error
	malformed
	classes
)

// situation is how the address relates to the account's sessions.
type situation uint8

const (
	bare   situation = iota // a bare address, §8.5.2
	match                   // a full address, and the resource is bound, §8.5.3.1
	absent                  // a full address, and it is not, §8.5.3.2
	situations
)

// rules is RFC 6121 §8.5.2 and §8.5.3, whose summary for messages is §8.5.4.
// The actions of the bare address that deliver say in themselves what happens
// without a suitable resource (§8.5.2.2).
var rules = [classes][situations]action{
	//              bare         match       absent
	normal:        {toMost, toResource, refuse},
	chat:          {toMost, toResource, toMost},
	groupchat:     {refuse, toResource, refuse},
	headline:      {toNonNeg, toResource, ignore},
	messageError:  {ignore, toResource, ignore},
	availability:  {toAvailable, toResource, ignore},
	subscription:  {toAccount, toAccount, toAccount}, // RFC 6121 §3
	probe:         {toAccount, toAccount, toAccount}, // RFC 6121 §4.3
	presenceError: {toAccount, toResource, ignore},
	request:       {toAccount, toResource, refuse},
	response:      {toAccount, toResource, ignore},
	malformed:     {badRequest, badRequest, badRequest},
}

// classOf finds the row of a stanza.
func classOf(kind stanza.Kind, typ stanza.Type) class {
	switch kind {
	case stanza.KindMessage:
		return messageClass(typ)
	case stanza.KindPresence:
		return presenceClass(typ)
	case stanza.KindIQ:
		return iqClass(typ)
	}
	return malformed
}

// messageClass treats an unknown type as normal, RFC 6121 §5.2.2.
func messageClass(typ stanza.Type) class {
	switch typ {
	case stanza.TypeChat:
		return chat
	case stanza.TypeGroupchat:
		return groupchat
	case stanza.TypeHeadline:
		return headline
	case stanza.TypeError:
		return messageError
	}
	return normal
}

func presenceClass(typ stanza.Type) class {
	switch typ {
	case stanza.TypeNone, stanza.TypeUnavailable:
		return availability
	case stanza.TypeSubscribe, stanza.TypeSubscribed, stanza.TypeUnsubscribe, stanza.TypeUnsubscribed:
		return subscription
	case stanza.TypeProbe:
		return probe
	case stanza.TypeError:
		return presenceError
	}
	return malformed
}

func iqClass(typ stanza.Type) class {
	switch typ {
	case stanza.TypeGet, stanza.TypeSet:
		return request
	case stanza.TypeResult, stanza.TypeError:
		return response
	}
	return malformed
}
