package component

import (
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// Out lists what the engine must do after a door of a Stream was used, in this
// order: write Bytes, write the delivered stanza when Pass, dispatch Stanza,
// answer Proved, close. One Out serves all streams of a loop; Reset prepares it
// for the next call.
type Out struct {
	// Scanner is the loop's parser memory. Set once by the engine.
	Scanner *parser.Scanner

	// Bytes to write to the component. The engine may hand in a slice of length 0
	// to be appended to. Owned by the engine after the call.
	Bytes []byte

	// Pass tells that the stanza given to Deliver is to be written as it is, after
	// Bytes.
	Pass bool

	// Stanza that the component sent, checked and in jabber:client. valid until
	// the input of Feed changes or the next call on this loop.
	Stanza    stanza.View
	HasStanza bool
	From      string   // prepared; valid for ever
	To        jid.View // prepared; valid as Stanza is

	// Proved: the component has shown that it knows Secret, that of Stream.Domain.
	// The stream consumes nothing until the engine has called Accepted or Fail.
	Proved bool
	Secret string

	// Close: after Bytes are written the connection ends, because of Reason.
	Close  bool
	Reason error // nil: the component closed its stream properly

	// StreamErrors counts those sent, for the loop's statistics, which takes and
	// clears it.
	StreamErrors uint32

	from, to    []byte // canonical form of addresses that need preparation
	translation stanza.Translation
}

// Reset empties the lists for the next call; buf is where Bytes goes.
func (o *Out) Reset(buf []byte) {
	o.Bytes = buf
	o.Pass, o.HasStanza, o.Proved, o.Close, o.Reason = false, false, false, false, nil
	o.Stanza, o.From, o.To, o.Secret = stanza.View{}, "", jid.View{}, ""
}
