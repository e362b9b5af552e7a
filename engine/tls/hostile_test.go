package tls_test

import (
	"crypto/tls"
	"io"
	"slices"
	"testing"

	xtls "github.com/xylem-im/xylem/engine/tls"
)

// TestHostileRecords: what crypto/tls says to records that are not as they must
// be is what ours say; TestWithoutPrivateFields runs it against crypto/tls.
func TestHostileRecords(t *testing.T) {
	const ccs, alert = 20, 21
	raw := func(b ...byte) func(*forger) []byte { return func(*forger) []byte { return b } }
	of := func(typ byte, content ...byte) func(*forger) []byte {
		return func(f *forger) []byte { return f.record(typ, content) }
	}
	for name, c := range map[string]struct {
		record func(*forger) []byte
		want   string // the error; "": none
	}{
		"unprotected data":          {raw(append([]byte{typeData, 3, 3, 0, 20}, make([]byte, 20)...)...), "local error: tls: bad record MAC"},
		"shorter than a tag":        {raw(typeData, 3, 3, 0, 3, 1, 2, 3), "local error: tls: bad record MAC"},
		"empty":                     {raw(typeData, 3, 3, 0, 0), "local error: tls: bad record MAC"},
		"change_cipher_spec":        {raw(ccs, 3, 3, 0, 1, 1), ""},
		"change_cipher_spec, wrong": {raw(ccs, 3, 3, 0, 1, 2), "local error: tls: error decoding message"},
		"padded":                    {func(f *forger) []byte { return f.sealed(append([]byte{typeData}, make([]byte, 200)...)) }, ""},
		"nothing but padding":       {func(f *forger) []byte { return f.sealed(make([]byte, 40)) }, "local error: tls: unexpected message"},
		"longest":                   {of(typeData, make([]byte, 1<<14)...), ""},
		"too long":                  {of(typeData, make([]byte, 1<<14+1)...), "local error: tls: record overflow"},
		"unknown type":              {of(99, 1), "local error: tls: unexpected message"},
		"alert of three bytes":      {of(alert, 1, 0, 0), "local error: tls: unexpected message"},
		"alert":                     {of(alert, 2, 40), "remote error: tls: handshake failure"},
		"user_canceled":             {of(alert, 1, 90), ""},
		"close_notify":              {of(alert, 1, 0), io.EOF.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			_, server, f := forgedPair(t, tls.VersionTLS13, true)
			_, err := server.Decrypt(c.record(f), make([]byte, 0, 64))
			if got := text(err); got != c.want {
				t.Fatalf("got %q, want %q", got, c.want)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestStricter: what our records refuse where crypto/tls says it in other words
// or later.
func TestStricter(t *testing.T) {
	for name, record := range map[string]func(*forger) []byte{
		"wrong version":         func(*forger) []byte { return []byte{typeData, 3, 1, 0, 1, 0} },
		"unprotected alert":     func(*forger) []byte { return []byte{21, 3, 3, 0, 2, 1, 0} },
		"KeyUpdate, third kind": func(f *forger) []byte { return f.record(typeHandshake, []byte{24, 0, 0, 1, 2}) },
		"Finished once more": func(f *forger) []byte {
			return f.record(typeHandshake, slices.Concat([]byte{20, 0, 0, 32}, make([]byte, 32)))
		},
		"data behind KeyUpdate":  func(f *forger) []byte { return f.record(typeHandshake, []byte{24, 0, 0, 1, 0, 24}) },
		"protected CCS":          func(f *forger) []byte { return f.record(20, []byte{1}) },
		"empty handshake record": func(f *forger) []byte { return f.record(typeHandshake, nil) },
		"data inside a message": func(f *forger) []byte {
			return append(f.record(typeHandshake, []byte{24, 0}), f.record(typeData, []byte("x"))...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, server, f := forgedPair(t, tls.VersionTLS13, true)
			if got, err := server.Decrypt(record(f), nil); err == nil || len(got) > 0 {
				t.Fatalf("accepted: %q, %v", got, err)
			}
			alert := server.Pending()
			if len(alert) == 0 {
				t.Fatal("no alert")
			}
			if _, err := server.Encrypt([]byte("x"), nil); err == nil {
				t.Fatal("something was sent behind the alert")
			}
			if out := server.CloseNotify(nil); len(out) > 0 {
				t.Fatal("close_notify was sent behind the alert")
			}
		})
	}
}

// TestReplayIsRefused: a record is good once, in its place.
func TestReplayIsRefused(t *testing.T) {
	client, server := pair(t, tls.VersionTLS13)
	one := encrypt(t, client, []byte("one"))
	again := slices.Clone(one)
	expect(t, server, one, []byte("one"))
	if got, err := server.Decrypt(again, nil); err == nil {
		t.Fatalf("again: %q", got)
	}
	client, server = pair(t, tls.VersionTLS13)
	encrypt(t, client, []byte("lost"))
	if got, err := server.Decrypt(encrypt(t, client, []byte("next")), nil); err == nil {
		t.Fatalf("behind a lost one: %q", got)
	}
}

// TestRest: keys that were forgotten come back, whatever happens meanwhile.
func TestRest(t *testing.T) {
	client, server, f := forgedPair(t, tls.VersionTLS13, true)
	var w xtls.Warmth
	server.KeepIn(&w)
	cool := func() {
		t.Helper()
		for range 2 {
			w.Cool(1)
		}
		if w.Len() != 0 {
			t.Fatalf("%d connections have their keys in memory", w.Len())
		}
	}
	talk := func() {
		t.Helper()
		expect(t, server, f.record(typeData, []byte("question")), []byte("question"))
		expect(t, client, encrypt(t, server, []byte("answer")), []byte("answer"))
	}
	for range 3 {
		talk()
		if w.Len() != 1 {
			t.Fatalf("%d connections have their keys in memory", w.Len())
		}
		cool()
	}
	expect(t, server, f.record(typeHandshake, keyUpdateWanted), nil)
	f.update(t)
	cool()
	expect(t, client, server.Pending(), nil)
	talk()
	server.Rest()
	if w.Len() != 0 {
		t.Fatal("still in the list")
	}
	talk()
	if w.Len() != 0 {
		t.Fatal("came back into the list of a loop that it has left")
	}
	expect(t, client, server.CloseNotify(nil), nil, io.EOF)
}

// TestCoolIsFair: with many connections, those in use keep their keys.
func TestCoolIsFair(t *testing.T) {
	var w xtls.Warmth
	const n, busy = 40, 3
	clients, servers := make([]*xtls.Filter, n), make([]*xtls.Filter, n)
	for i := range n {
		clients[i], servers[i] = pair(t, tls.VersionTLS13)
		servers[i].KeepIn(&w)
		expect(t, servers[i], encrypt(t, clients[i], []byte("x")), []byte("x"))
	}
	for range 20 {
		w.Cool(4)
		for i := range busy {
			expect(t, servers[i], encrypt(t, clients[i], []byte("x")), []byte("x"))
		}
	}
	if w.Len() != busy {
		t.Fatalf("%d connections have their keys in memory, %d are in use", w.Len(), busy)
	}
	servers[1].Close()
	if w.Len() != busy-1 {
		t.Fatal("a closed one is kept")
	}
}
