package jid_test

import (
	"testing"
	"unicode/utf8"

	"github.com/xylem-im/xylem/jid"
)

// FuzzParse holds the properties that make == the comparison of addresses.
func FuzzParse(f *testing.F) {
	for _, tc := range valid {
		f.Add(tc.in)
	}
	for _, tc := range invalid {
		f.Add(tc.in)
	}
	f.Fuzz(func(t *testing.T, s string) {
		j, err := jid.Parse(s)
		var scratch []byte
		v, viewErr := jid.ParseView([]byte(s), &scratch)
		if (err == nil) != (viewErr == nil) || v.JID != j {
			t.Fatalf("Parse %q, %v; ParseView %q, %v", j, err, v, viewErr)
		}
		if err != nil {
			if !j.IsZero() || err.Error() != viewErr.Error() {
				t.Fatalf("%q with %v, %v", j, err, viewErr)
			}
			return
		}
		if again, err := jid.Parse(j.String()); err != nil || again != j {
			t.Fatalf("%q prepared again is %q, %v", j, again, err)
		}
		if built, err := jid.New(j.Local(), j.Domain(), j.Resource()); err != nil || built != j {
			t.Fatalf("%q built of its parts is %q, %v", j, built, err)
		}
		if kept, err := j.Bare().WithResource(j.Resource()); err != nil || kept != j {
			t.Fatalf("%q with its resource is %q, %v", j, kept, err)
		}
		if !utf8.ValidString(j.String()) || j.Domain() == "" {
			t.Fatalf("%q is no address", j)
		}
		for _, part := range []string{j.Local(), j.Domain(), j.Resource()} {
			if len(part) > jid.MaxPart {
				t.Fatalf("part of %d bytes", len(part))
			}
		}
	})
}
