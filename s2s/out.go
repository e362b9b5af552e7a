package s2s

import (
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/stanza"
)

// Out lists what the engine must do after a door of a Stream was used, in this
// order: write Bytes, write the delivered stanza when Pass and AskRequest when
// Ask, dispatch Stanza, act on Events and Settled, start TLS, close. One Out serves all streams of a loop; Reset
// prepares it for the next call.
type Out struct {
	// Scanner is the loop's parser memory. Set once by the engine.
	Scanner *parser.Scanner

	// Bytes to write to the peer. The engine may hand in a slice of length 0 to be
	// appended to. Owned by the engine after the call.
	Bytes []byte

	// Pass tells that the stanza given to Deliver is to be written as it is, after
	// Bytes.
	Pass bool

	// Ask tells that AskRequest is to be written behind that stanza.
	Ask bool

	// Settled are the receipts of stanzas that are dealt with. valid until the
	// next call.
	Settled []Receipt

	// Stanza that the peer sent, checked: From's domain is proved for To's. It
	// reads as one in jabber:client. valid until the input of Feed changes or the
	// next call on this loop.
	Stanza    stanza.View
	HasStanza bool
	From, To  jid.View // prepared; valid as Stanza is
	// Faulty: something is wrong with the stanza: its sender is told Fault in the
	// name of To, and it goes no further.
	Faulty bool
	Fault  stanza.Error

	// Events in the order in which they came about. valid until the next call.
	Events []Event

	// StartTLS: after Bytes are written the stream goes on inside TLS. Input that
	// follows in the clear must be thrown away (RFC 6120 §5.3.4).
	StartTLS bool

	// Ended: the stream takes no more stanzas and Unacked is final, but what the
	// peer still sends is taken until Close.
	Ended bool

	// Close: after Bytes are written the connection ends, because of Reason.
	Close  bool
	Reason error // nil: the stream was closed properly

	scratch, scratchTo []byte // canonical form of addresses that need preparation
	translation        stanza.Translation
	stores             session.AckStores // for what is unacknowledged
}

func (o *Out) event(e Event) { o.Events = append(o.Events, e) }

// Reset empties the lists for the next call; buf is where Bytes goes.
func (o *Out) Reset(buf []byte) {
	o.Bytes = buf
	o.Pass, o.Ask, o.HasStanza, o.StartTLS, o.Ended, o.Close, o.Reason = false, false, false, false, false, false, nil
	o.Faulty, o.Fault = false, stanza.Error{}
	o.Stanza, o.From, o.To = stanza.View{}, jid.View{}, jid.View{}
	clear(o.Events)
	o.Events = o.Events[:0]
	o.Settled = o.Settled[:0]
}

// Event is something that happened on a stream and concerns others.
type Event struct {
	Kind   EventKind
	Pair   Pair
	Method Method  // EventReady, EventAuthorized
	Verify Verify  // EventVerify, EventVerified
	Result Verdict // EventVerified
	Err    error   // why; a sentence for an operator
	Text   string  // EventStep
}

// EventKind says what an Event is.
type EventKind uint8

// The events.
const (
	// EventReady: stanzas from Pair.Local to Pair.Remote may be given to Deliver
	// from now on.
	EventReady EventKind = iota
	// EventAuthorized: the peer may send from Pair.Remote to Pair.Local from now on.
	EventAuthorized
	// EventRefused: the peer does not let Pair.Local speak to Pair.Remote on this
	// stream, or we do not trust the peer with it; Err says why. The stream may go
	// on for other pairs.
	EventRefused
	// EventVerify: the peer wants to speak as Pair.Remote and has shown the key in
	// Verify. To be asked of the authoritative server of Pair.Remote, on another
	// stream; the answer goes to Verified of this one.
	EventVerify
	// EventVerified: the answer to a question that Ask has sent.
	EventVerified
	// EventStep: Text says what was done or found out, for who watches.
	EventStep
)

// Method is how a domain was proved.
type Method uint8

// The methods.
const (
	External        Method = iota // SASL EXTERNAL, XEP-0178
	DialbackKey                   // Server Dialback by a key, XEP-0220
	DialbackTrusted               // Server Dialback, the key not asked for because the certificate proves the domain
)

// String names the method as XEPs do.
func (m Method) String() string {
	switch m {
	case External:
		return "SASL EXTERNAL"
	case DialbackKey:
		return "dialback"
	}
	return "dialback with certificate"
}
