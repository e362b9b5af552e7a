package jid_test

import (
	"encoding"
	"encoding/json"
	"errors"
	"testing"
	"unsafe"

	"github.com/xylem-im/xylem/jid"
)

var (
	_ encoding.TextMarshaler   = jid.JID{}
	_ encoding.TextUnmarshaler = (*jid.JID)(nil)
)

func TestSizeStays24Bytes(t *testing.T) {
	if n := unsafe.Sizeof(jid.JID{}); n != 24 {
		t.Errorf("%d bytes", n)
	}
}

func TestZeroValueIsAbsent(t *testing.T) {
	var j jid.JID
	if !j.IsZero() || j.IsBare() || j.IsFull() || j.IsDomain() {
		t.Error("the zero value is an address")
	}
	if j.String()+j.Local()+j.Domain()+j.Resource() != "" || j.Bare() != j || j.DomainJID() != j {
		t.Error("the zero value has parts")
	}
	if _, err := j.WithResource("r"); !errors.Is(err, jid.ErrEmpty) {
		t.Errorf("a resource of nobody: %v", err)
	}
}

func TestDerivedAddressesCompareEqual(t *testing.T) {
	full := jid.MustParse("alice@example.com/phone")
	if full.Bare() != jid.MustParse("alice@example.com") {
		t.Error("Bare differs from the parsed address")
	}
	if full.DomainJID() != jid.MustParse("example.com") {
		t.Error("DomainJID differs from the parsed address")
	}
	if set := map[jid.JID]int{full: 1}; set[jid.MustParse("ALICE@example.com/phone")] != 1 {
		t.Error("not found as a key")
	}
}

func TestWithResource(t *testing.T) {
	full := jid.MustParse("alice@example.com/phone")
	for _, tc := range []struct{ resource, want string }{
		{"e\u0301", "alice@example.com/é"},
		{"a b/c@d", "alice@example.com/a b/c@d"},
		{"", "alice@example.com"},
	} {
		j, err := full.WithResource(tc.resource)
		if err != nil || j != jid.MustParse(tc.want) {
			t.Errorf("%q: %q, %v", tc.resource, j, err)
		}
	}
	if _, err := full.WithResource("\x00"); !errors.Is(err, jid.ErrProfile) {
		t.Errorf("got %v", err)
	}
}

func TestText(t *testing.T) {
	type stored struct{ A, B jid.JID }
	in := stored{A: jid.MustParse("alice@example.com/é")}
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	out := stored{B: jid.MustParse("left.over")}
	if err := json.Unmarshal(text, &out); err != nil || out != in {
		t.Errorf("%s came back as %v, %v", text, out, err)
	}
	keep := jid.MustParse("a.b")
	if err := keep.UnmarshalText([]byte("@")); err == nil || keep.String() != "a.b" {
		t.Errorf("after an error: %q, %v", keep, err)
	}
}

func TestCloneIsIndependent(t *testing.T) {
	b := []byte("alice@example.com/phone")
	var scratch []byte
	v, err := jid.ParseView(b, &scratch)
	if err != nil {
		t.Fatal(err)
	}
	kept, copied := v.Clone(), jid.MustParse("alice@example.com/phone")
	if v.JID != copied || v.Bare().JID != copied.Bare() || v.DomainJID().JID != copied.DomainJID() {
		t.Error("the view differs from the address")
	}
	clear(b)
	if kept != copied {
		t.Errorf("the clone changed to %q", kept)
	}
	if v.JID == copied {
		t.Error("the view was a copy, not a loan")
	}
}

func TestParseBytesCopies(t *testing.T) {
	b := []byte("alice@example.com")
	j, err := jid.ParseBytes(b)
	clear(b)
	if err != nil || j != jid.MustParse("alice@example.com") {
		t.Errorf("%q, %v", j, err)
	}
}

func TestParseViewReusesScratch(t *testing.T) {
	scratch := make([]byte, 0, 64)
	first := &scratch[:1][0]
	v, err := jid.ParseView([]byte("Alice@Example.com/Home"), &scratch)
	if err != nil || v.String() != "alice@example.com/Home" {
		t.Fatalf("%q, %v", v, err)
	}
	if unsafe.StringData(v.String()) != first {
		t.Error("the canonical form is not in the scratch buffer")
	}
}

func TestAllocations(t *testing.T) {
	scratch := make([]byte, 0, 128)
	for _, tc := range []struct{ name, in string }{
		{"canonical", "alice@example.com/phone.4711"},
		{"domain", "example.com"},
		{"upper case", "Alice@Example.com/Phone"},
		{"long upper case", "Alice@A-Very-Long-Name-Indeed.Chat.Example.COM/Phone"},
	} {
		b := []byte(tc.in)
		if n := testing.AllocsPerRun(100, func() {
			if _, err := jid.ParseView(b, &scratch); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", tc.name, n)
		}
	}
}
