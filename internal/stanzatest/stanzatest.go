// Package stanzatest makes stanzas for tests of what handles them.
package stanzatest

import (
	"testing"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// Of is the stanza st as a handler sees it that a client has sent.
func Of(t testing.TB, st string) *stanza.View {
	t.Helper()
	var stream parser.Stream
	scanner := parser.NewScanner()
	const header = "<stream:stream xmlns='" + stanza.NSClient + "' xmlns:stream='" + stanza.NSStream + "'>"
	if _, _, err := scanner.Next(&stream, []byte(header)); err != nil {
		t.Fatal(err)
	}
	f, _, err := scanner.Next(&stream, []byte(st))
	if err != nil || f == nil {
		t.Fatalf("%s: %v", st, err)
	}
	v, ok := stanza.Of(f)
	if !ok {
		t.Fatalf("%s: not a stanza", st)
	}
	return &v
}
