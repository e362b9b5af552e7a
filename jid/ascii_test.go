package jid_test

import (
	"testing"

	"github.com/xylem-im/xylem/jid"
)

func TestDomainASCII(t *testing.T) {
	for domain, want := range map[string]string{
		"example.org":           "example.org",
		"Example.ORG":           "example.org",
		"bücher.example":        "xn--bcher-kva.example",
		"xn--bcher-kva.example": "xn--bcher-kva.example",
		"straße.example":        "xn--strae-oqa.example", // not transitional: ß stays itself
		"192.0.2.1":             "192.0.2.1",
		"[2001:db8::1]":         "[2001:db8::1]",
	} {
		if got, err := jid.DomainASCII(domain); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", domain, got, err, want)
		}
	}
	for _, domain := range []string{"a\u2028.example", "bü\u200dcher.example"} {
		if got, err := jid.DomainASCII(domain); err != jid.ErrDomain {
			t.Errorf("%q: %q, %v", domain, got, err)
		}
	}
}
