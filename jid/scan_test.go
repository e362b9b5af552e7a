package jid

import (
	"testing"

	"golang.org/x/text/secure/precis"
)

// FuzzScan holds that the fast path answers as preparation does, whatever it
// answers for.
func FuzzScan(f *testing.F) {
	for _, s := range []string{"a", "a.b", "a@b.c/d", "a-b@c-d/e f", "xn--a", "a@b.", "a.-b", "[::1]", "a@b/", "@a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		local, domain, ok := scanCanonical(s)
		if !ok {
			return
		}
		j, err := parseSlow(nil, s)
		if err != nil || j.s != s || j.local != local || j.domain != domain {
			t.Fatalf("%q: scanned as %d+%d bytes, prepared to %q, %v", s, local, domain, j.s, err)
		}
		p := split(s)
		if p.hasLocal {
			if mapped, err := stable(precis.UsernameCaseMapped, p.local); err != nil || mapped != p.local {
				t.Fatalf("localpart %q: %q, %v", p.local, mapped, err)
			}
		}
		if p.hasResource {
			if mapped, err := stable(precis.OpaqueString, p.resource); err != nil || mapped != p.resource {
				t.Fatalf("resourcepart %q: %q, %v", p.resource, mapped, err)
			}
		}
		if name, err := prepareName(p.domain); err != nil || name != p.domain {
			t.Fatalf("domainpart %q: %q, %v", p.domain, name, err)
		}
	})
}
