package jid_test

import (
	"testing"

	"github.com/xylem-im/xylem/jid"
)

// BenchmarkParseCompare is what routing does with a "to" attribute: prepare
// and compare with a known address.
func BenchmarkParseCompare(b *testing.B) {
	for _, bc := range []struct{ name, in string }{
		{"bare", "juliet@im.example.com"},
		{"full", "juliet@im.example.com/balcony"},
		{"long", "user-0123456@chat.example.org/gajim.7f3a9c21b4"},
		{"upper", "Juliet@im.Example.com/balcony"},
		{"unicode", "żółw@bücher.example/téléphone"},
	} {
		b.Run(bc.name, func(b *testing.B) {
			in, want := []byte(bc.in), jid.MustParse(bc.in)
			scratch := make([]byte, 0, 128)
			b.ReportAllocs()
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				v, err := jid.ParseView(in, &scratch)
				if err != nil || v.JID != want {
					b.Fatal(v, err)
				}
			}
		})
	}
}
