package stanza_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

func TestAsStreamError(t *testing.T) {
	_, err := parser.Parse([]byte("<a></b>"))
	e := stanza.AsStreamError(fmt.Errorf("wrapped: %w", err))
	if e.Condition != stanza.StreamNotWellFormed || e.Text == "" {
		t.Errorf("of the parser's error: %#v", e)
	}
	if e := stanza.AsStreamError(errors.New("disk full at /var")); e != (stanza.StreamError{Condition: stanza.StreamInternalServerError}) {
		t.Errorf("tells %#v", e)
	}
}

func TestReadPeerError(t *testing.T) {
	const ns = " xmlns='" + stanza.NSStreams + "'"
	long := strings.Repeat("é", 1000)
	for in, want := range map[string]stanza.PeerError{
		"":                           {Condition: stanza.StreamUndefinedCondition},
		"<reset" + ns + "/>":         {Condition: stanza.StreamReset},
		"<reset xmlns='urn:other'/>": {Condition: stanza.StreamUndefinedCondition},
		"<text" + ns + ">a&lt;b</text><reset" + ns + "/>":                      {Condition: stanza.StreamReset, Text: "a<b"},
		"<reset" + ns + "/><text" + ns + ">x" + long + "</text>":               {Condition: stanza.StreamReset, Text: "x" + long[:1022]},
		"<see-other-host" + ns + ">far.example</see-other-host><x xmlns='y'/>": {Condition: stanza.StreamSeeOtherHost},
	} {
		sc, st := parser.NewScanner(), parser.Stream{}
		if _, _, err := sc.Next(&st, []byte("<stream:stream xmlns='jabber:client' xmlns:stream='"+stanza.NSStream+"'>")); err != nil {
			t.Fatal(err)
		}
		f, _, err := sc.Next(&st, []byte("<stream:error>"+in+"</stream:error>"))
		if err != nil {
			t.Fatal(err)
		}
		if got := stanza.ReadPeerError(f); got != want {
			t.Errorf("%s: %#v", in, got)
		}
	}
	if got := (stanza.PeerError{Condition: stanza.StreamReset, Text: "soon"}).Error(); got != "the other side ended the stream: reset: soon" {
		t.Error(got)
	}
}
