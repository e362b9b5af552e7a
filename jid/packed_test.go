package jid_test

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/xylem-im/xylem/jid"
)

func TestPacked(t *testing.T) {
	long := strings.Repeat("a", jid.MaxPart)
	for _, s := range []string{"example.org", "example.org/r", "romeo@example.org", "romeo@example.org/ö/b",
		long + "@example.org/" + long} {
		j := jid.MustParse(s)
		p := j.Pack()
		p.Room = 0xffff
		if p.JID() != j || p.Bare() != j.Bare() || p.JID().Resource() != j.Resource() {
			t.Errorf("%s became %s, bare %s", j, p.JID(), p.Bare())
		}
	}
	var zero jid.Packed
	if !zero.JID().IsZero() || !zero.Bare().IsZero() || (jid.JID{}).Pack() != zero {
		t.Errorf("the absent address became %q", zero.JID())
	}
	if n := unsafe.Sizeof(zero); n != 16 {
		t.Errorf("%d bytes", n)
	}
	full := jid.MustParse("romeo@example.org/balcony")
	if n := testing.AllocsPerRun(100, func() {
		p := full.Pack()
		if p.JID() != full || p.Bare() == full {
			t.Error("changed")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
