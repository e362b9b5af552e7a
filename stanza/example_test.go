package stanza_test

import (
	"errors"
	"fmt"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// A stanza is looked at where it lies in the input, and answered.
func ExampleAppendError() {
	in := []byte("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>" +
		"<iq type='get' id='q1' to='bot@example.org'><question xmlns='urn:example:bot'/></iq>")
	scanner, stream := parser.NewScanner(), parser.Stream{}
	for {
		f, n, err := scanner.Next(&stream, in)
		if err != nil || f == nil {
			fmt.Println("no stanza", err)
			return
		}
		in = in[n:]
		v, ok := stanza.Of(f)
		if !ok {
			continue // the header of the stream
		}
		busy := stanza.Error{Condition: stanza.ResourceConstraint, Text: "busy"}
		fmt.Printf("%s\n", stanza.AppendError(nil, &v, "bot@example.org", "alice@example.org/phone", busy))
		return
	}
	// Output:
	// <iq from='bot@example.org' to='alice@example.org/phone' id='q1' type='error'><error type='wait'><resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>busy</text></error></iq>
}

// An error matches another one whose empty fields stand for anything.
func ExampleError_Is() {
	err := fmt.Errorf("not taken: %w", stanza.Error{Condition: stanza.Forbidden, Text: "not you"})
	fmt.Println(errors.Is(err, stanza.Error{Condition: stanza.Forbidden}), errors.Is(err, stanza.Error{Type: stanza.Wait}))
	// Output: true false
}
