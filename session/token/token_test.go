package token_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/session/token"
)

const (
	day   = int64(24 * 3600)
	now   = int64(1_700_000_000)
	alice = "alice@localhost"
	phone = "d4565fa7-4d72-4749-b3d3-740edbf87770"
	none  = "HT-SHA-256-NONE"
	expr  = "HT-SHA-256-EXPR"
)

func policy() *token.Policy {
	return &token.Policy{Key: bytes.Repeat([]byte{7}, token.MinKey), Lifetime: 21 * day}
}

// counting never gives the same bytes twice.
type counting byte

func (c *counting) Read(b []byte) (int, error) {
	for i := range b {
		*c++
		b[i] = byte(*c)
	}
	return len(b), nil
}

// TestText: each thing that a token is made of makes another token, and nothing of
// that can be moved between them.
func TestText(t *testing.T) {
	p := policy()
	a := token.Token{Mechanism: none, Issued: now, Expires: now + day}
	text := p.Text(alice, phone, &a)
	if len(text) != 43 || text != p.Text(alice, phone, &a) {
		t.Errorf("token %q", text)
	}
	other := *policy()
	other.Key = bytes.Repeat([]byte{8}, token.MinKey)
	changed := map[string]func() string{
		"key":       func() string { return other.Text(alice, phone, &a) },
		"account":   func() string { return p.Text("alice@localhos", phone, &a) },
		"client":    func() string { return p.Text(alice, phone[1:], &a) },
		"moved":     func() string { return p.Text(alice+phone[:1], phone[1:], &a) },
		"mechanism": func() string { b := a; b.Mechanism = expr; return p.Text(alice, phone, &b) },
		"nonce":     func() string { b := a; b.Nonce[15]++; return p.Text(alice, phone, &b) },
		"issued":    func() string { b := a; b.Issued++; return p.Text(alice, phone, &b) },
		"expires":   func() string { b := a; b.Expires++; return p.Text(alice, phone, &b) },
	}
	seen := map[string]string{text: "itself"}
	for name, f := range changed {
		if got := f(); seen[got] != "" {
			t.Errorf("%s: the token is that of %s", name, seen[got])
		} else {
			seen[got] = name
		}
	}
}

func TestStoredForm(t *testing.T) {
	full := token.Record{Software: "App", Device: "Phone", Used: now,
		New:     token.Token{Mechanism: expr, Nonce: [16]byte{1, 2, 3}, Issued: now, Expires: now + day, Count: 1<<32 - 1},
		Current: token.Token{Mechanism: none, Issued: now - day, Expires: now}}
	for _, r := range []token.Record{{}, full, {Current: full.Current}, {New: full.New, Software: strings.Repeat("x", 128)}} {
		b := r.Append(nil)
		got, err := token.Parse(b)
		if err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("%+v is read back as %+v, %v", r, got, err)
		}
		for n := range b {
			if _, err := token.Parse(b[:n]); !errors.Is(err, token.ErrFormat) {
				t.Errorf("%d of %d bytes: %v", n, len(b), err)
			}
		}
		if _, err := token.Parse(append(b, 0)); !errors.Is(err, token.ErrFormat) {
			t.Errorf("a byte more: %v", err)
		}
		b[0]++
		if _, err := token.Parse(b); !errors.Is(err, token.ErrFormat) {
			t.Errorf("another version: %v", err)
		}
	}
}

func FuzzParse(f *testing.F) {
	r := token.Record{Software: "App", New: token.Token{Mechanism: none, Issued: 1, Expires: 2}}
	f.Add(r.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := token.Parse(b)
		if err != nil {
			return
		}
		again, err := token.Parse(r.Append(nil))
		if err != nil || !reflect.DeepEqual(again, r) {
			t.Fatalf("%+v is read back as %+v, %v", r, again, err)
		}
	})
}

// TestLifeOfTokens follows one client through the rules of XEP-0484 §4 and §5.
func TestLifeOfTokens(t *testing.T) {
	p, random := policy(), new(counting)
	var r token.Record

	out := p.Settle(&r, token.Login{Request: none}, now, random)
	if want := (token.Outcome{Changed: true, Durable: true, Issued: true}); out != want {
		t.Fatalf("first token: %+v", out)
	}
	if !r.New.Exists() || r.Current.Exists() || r.New.Expires != now+21*day || r.New.Mechanism != none || r.Used != now {
		t.Fatalf("first token: %+v", r)
	}
	first := r.New

	// Used: it becomes the current one, which must be on disk.
	out = p.Settle(&r, token.Login{Used: &r.New}, now+60, random)
	if want := (token.Outcome{Changed: true, Durable: true, Must: true}); out != want || r.Current != first || r.New.Exists() {
		t.Fatalf("first use: %+v, %+v", out, r)
	}
	// Used again: nothing is to be stored.
	if out = p.Settle(&r, token.Login{Used: &r.Current}, now+120, random); out != (token.Outcome{}) {
		t.Fatalf("second use: %+v", out)
	}
	// A day later: another one is given out, and this one stays good until that is used.
	out = p.Settle(&r, token.Login{Used: &r.Current}, now+day, random)
	if !out.Issued || !out.Durable || out.Must || r.Current != first || !r.New.Exists() || r.Used != now+day {
		t.Fatalf("rotation: %+v, %+v", out, r)
	}
	lost := r.New
	// The client did not receive it: it gets yet another, and the lost one is void.
	out = p.Settle(&r, token.Login{Used: &r.Current}, now+day+1, random)
	if !out.Issued || r.Current != first || r.New == lost {
		t.Fatalf("lost: %+v, %+v", out, r)
	}
	second := r.New
	out = p.Settle(&r, token.Login{Used: &r.New}, now+day+2, random)
	if out.Issued || !out.Must || !out.Durable || r.Current != second || r.New.Exists() {
		t.Fatalf("after rotation: %+v, %+v", out, r)
	}
	// It logs out, and is given nothing, though its token is old (§4.6).
	out = p.Settle(&r, token.Login{Used: &r.Current, Invalidate: true}, now+5*day, random)
	if out.Issued || !out.Empty || !out.Must || !out.Durable {
		t.Fatalf("invalidation: %+v, %+v", out, r)
	}
}

func TestInvalidateAndRequest(t *testing.T) {
	p, random := policy(), new(counting)
	var r token.Record
	p.Settle(&r, token.Login{Request: none}, now, random)
	p.Settle(&r, token.Login{Used: &r.New, Request: none}, now+1, random)
	old := r
	out := p.Settle(&r, token.Login{Used: &r.Current, Invalidate: true, Request: expr}, now+2, random)
	if !out.Issued || out.Empty || !out.Must || r.Current.Exists() || r.New == old.New || r.New.Mechanism != expr {
		t.Fatalf("%+v, %+v", out, r)
	}
}

// TestCount: no count is taken twice, and each that is told is noted.
func TestCount(t *testing.T) {
	p, random := policy(), new(counting)
	var r token.Record
	p.Settle(&r, token.Login{Request: none}, now, random)
	use := func(count uint32) token.Outcome {
		t.Helper()
		used := &r.Current
		if r.New.Exists() {
			used = &r.New
		}
		if !used.CheckCount(count) {
			t.Fatalf("count %d is refused after %d", count, used.Count)
		}
		return p.Settle(&r, token.Login{Used: used, Count: count}, now+60, random)
	}
	use(1)
	if out := use(5); !out.Changed || !out.Must || out.Durable {
		t.Errorf("count 5: %+v", out)
	}
	for count, want := range map[uint32]bool{0: true, 1: false, 5: false, 6: true} {
		if got := r.Current.CheckCount(count); got != want {
			t.Errorf("count %d after 5: %v", count, got)
		}
	}
	if out := use(0); out.Changed || r.Current.Count != 5 {
		t.Errorf("no count: %+v, %d", out, r.Current.Count)
	}
}

func TestShortLifetime(t *testing.T) {
	p, random := policy(), new(counting)
	p.Lifetime = 3600
	var r token.Record
	p.Settle(&r, token.Login{Request: none}, now, random)
	if out := p.Settle(&r, token.Login{Used: &r.New}, now+1799, random); out.Issued {
		t.Error("replaced before half of its lifetime")
	}
	if out := p.Settle(&r, token.Login{Used: &r.Current}, now+1800, random); !out.Issued {
		t.Error("not replaced after half of its lifetime")
	}
	if r.Expired(now+3600) || !r.Expired(now+5400) || r.Expires() != now+5400 {
		t.Errorf("expires at %d", r.Expires()-now)
	}
}
