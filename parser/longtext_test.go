package parser_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/parser"
)

// What ends a run of text, or must not stand there, at every place of texts that are
// looked at in larger pieces.
func TestLongText(t *testing.T) {
	const header, open, end = "<s:stream xmlns='jabber:client' xmlns:s='http://etherx.jabber.org/streams'>", "<m><b>", "</b></m>"
	const size = 112
	for _, c := range []struct {
		name, in  string
		condition string // of the error at the place; "": none
	}{
		{"nothing", "", ""},
		{"two bytes", "é", ""},
		{"reference", "&amp;", ""},
		{"line", "\n", ""},
		{"brackets", "]]", ""},
		{"section", "<![CDATA[<]]>", ""},
		{"element", "<i/>", ""},
		{"control character", "\x01", parser.ConditionNotWellFormed},
		{"end of a section", "]]>", parser.ConditionNotWellFormed},
		{"no UTF-8", "\xff", parser.ConditionUnsupportedEncoding},
		{"no character", "\uffff", parser.ConditionNotWellFormed},
	} {
		t.Run(c.name, func(t *testing.T) {
			for at := range size + 1 {
				in := open + strings.Repeat("x", at) + c.in + strings.Repeat("y", size-at) + end
				sc := parser.NewScanner()
				var st parser.Stream
				st.Reset(nil)
				if _, _, err := sc.Next(&st, []byte(header)); err != nil {
					t.Fatal(err)
				}
				f, n, err := sc.Next(&st, []byte(in))
				got, want := "", ""
				var e *parser.Error
				if errors.As(err, &e) {
					got = fmt.Sprint(e.Condition, " at ", e.Offset)
				}
				if c.condition != "" {
					want = fmt.Sprint(c.condition, " at ", len(header)+len(open)+at)
				} else if f == nil || n != len(in) {
					t.Fatalf("at %d: %d bytes of %d, %v", at, n, len(in), err)
				}
				if got != want {
					t.Fatalf("at %d: got %q, want %q", at, got, want)
				}
			}
		})
	}
}
