package invariants_test

import (
	"bytes"
	"testing"

	"github.com/xylem-im/xylem/internal/invariants"
)

func TestPoisonFillsOnlyWhenEnabled(t *testing.T) {
	b := []byte("<message/>")
	invariants.Poison(b[:8])
	want := []byte("<message/>")
	if invariants.Enabled {
		want = append(bytes.Repeat([]byte{invariants.Marker}, 8), "/>"...)
	}
	if !bytes.Equal(b, want) {
		t.Fatalf("got %q, want %q", b, want)
	}
}

func TestAssertPanicsOnlyWhenEnabled(t *testing.T) {
	invariants.Assert(true, "holds")
	defer func() {
		if got := recover() != nil; got != invariants.Enabled {
			t.Fatalf("panicked: %v, want %v", got, invariants.Enabled)
		}
	}()
	invariants.Assert(false, "does not hold")
}
