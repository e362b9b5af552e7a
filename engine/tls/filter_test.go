package tls_test

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"

	xtls "github.com/xylem-im/xylem/engine/tls"
)

func TestThisGoReleaseHasTheFields(t *testing.T) {
	if !xtls.Lean() {
		t.Fatal("private fields of tls.Conn have changed: adapt layout.go (until then: more memory)")
	}
}

func TestRoundTrip(t *testing.T) {
	for name, version := range versions {
		for _, piece := range []int{0, 1, 7, 1000} {
			client, server := xtls.Client(clientConfig(version)), xtls.Server(serverConfig(t))
			shake(t, client, server, piece)
			for i, n := range []int{1, 400, 16384, 16385, 100_000} {
				plain := make([]byte, n)
				rand.Read(plain)
				from, to := client, server
				if i%2 == 1 {
					from, to = to, from
				}
				wire := encrypt(t, from, plain)
				var got []byte
				for len(wire) > 0 {
					k := cut(len(wire), piece)
					var err error
					if got, err = to.Decrypt(wire[:k], got); err != nil {
						t.Fatalf("%s, pieces of %d: %v", name, piece, err)
					}
					wire = wire[k:]
				}
				if !bytes.Equal(got, plain) {
					t.Fatalf("%s, pieces of %d: %d bytes came as %d", name, piece, n, len(got))
				}
			}
			client.Close()
			server.Close()
		}
	}
}

// TestDataBehindFinished: whoever is first to finish the handshake (the client
// in TLS 1.3, the server in TLS 1.2) may send data in the same segment.
func TestDataBehindFinished(t *testing.T) {
	for name, version := range versions {
		t.Run(name, func(t *testing.T) {
			client, server := xtls.Client(clientConfig(version)), xtls.Server(serverConfig(t))
			defer client.Close()
			defer server.Close()
			flight, done, err := client.Step(nil)
			sender, receiver := client, server
			for !done && err == nil {
				flight, done, err = receiver.Step(flight)
				sender, receiver = receiver, sender
			}
			if err != nil {
				t.Fatal(err)
			}
			flight = append(flight, encrypt(t, sender, []byte("<early/>"))...)
			half := encrypt(t, sender, []byte("<half/>"))
			if _, done, err = receiver.Step(append(flight, half[:9]...)); !done || err != nil {
				t.Fatalf("done %v, %v", done, err)
			}
			expect(t, receiver, nil, []byte("<early/>"))
			expect(t, receiver, half[9:], []byte("<half/>"))
			expect(t, receiver, encrypt(t, sender, []byte("<late/>")), []byte("<late/>"))
		})
	}
}

func TestManyRecordsAndPartsInOneCall(t *testing.T) {
	for name, version := range versions {
		client, server := pair(t, version)
		var wire, want []byte
		for range 50 {
			m := bytes.Repeat([]byte("x"), 1+len(wire)%700)
			want = append(want, m...)
			wire = append(wire, encrypt(t, client, m)...)
		}
		for _, at := range []int{1, 4, 5, 6, len(wire) / 2, len(wire) - 1} {
			if at == 1 {
				expect(t, server, wire, want)
			}
			wire, want = wire[:0], want[:0]
			for range 50 {
				m := bytes.Repeat([]byte(name), 1+at%70)
				want = append(want, m...)
				wire = append(wire, encrypt(t, client, m)...)
			}
			at = min(at, len(wire)-1)
			got, err := server.Decrypt(wire[:at], nil)
			if err == nil {
				got, err = server.Decrypt(wire[at:], got)
			}
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%s, cut at %d: %d of %d bytes, %v", name, at, len(got), len(want), err)
			}
		}
	}
}

func TestDecryptUpTo(t *testing.T) {
	client, server := pair(t, tls.VersionTLS13)
	var wire []byte
	for range 10 {
		wire = append(wire, encrypt(t, client, bytes.Repeat([]byte("x"), 1000))...)
	}
	got, more, err := server.DecryptUpTo(wire, nil, 2500)
	if len(got) != 3000 || !more || err != nil {
		t.Fatalf("%d bytes, more %v, %v", len(got), more, err)
	}
	for want := 4000; want <= 10_000; want += 1000 {
		got, more, err = server.DecryptUpTo(nil, got, 1)
		if len(got) != want || more != (want < 10_000) || err != nil {
			t.Fatalf("%d bytes instead of %d, more %v, %v", len(got), want, more, err)
		}
	}
	for range 20 {
		wire = encrypt(t, client, make([]byte, 16384))
		if _, _, err = server.DecryptUpTo(wire, nil, 0); err != nil {
			break
		}
	}
	if !errors.Is(err, xtls.ErrHeld) {
		t.Fatalf("a caller that never decrypts: %v", err)
	}
}

func TestCloseNotifyAndTruncation(t *testing.T) {
	for name, version := range versions {
		client, server := pair(t, version)
		if err := server.CloseRead(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: bare close: %v", name, err)
		}
		wire := client.CloseNotify(encrypt(t, client, []byte("</stream>")))
		got, err := server.Decrypt(wire, nil)
		if string(got) != "</stream>" || err != io.EOF || server.CloseRead() != nil {
			t.Errorf("%s: %q, %v, %v", name, got, err, server.CloseRead())
		}
		if _, err := server.Decrypt(nil, nil); err != io.EOF {
			t.Errorf("%s: again: %v", name, err)
		}
		// Half-closed: what the server still has to say goes out.
		wire, err = server.Encrypt([]byte("bye"), nil)
		if err != nil {
			t.Errorf("%s: after the peer's close_notify: %v", name, err)
		}
		got, err = client.Decrypt(server.CloseNotify(wire), nil)
		if string(got) != "bye" || err != io.EOF {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if _, err := server.Encrypt([]byte("x"), nil); err == nil {
			t.Errorf("%s: encrypts after its own close_notify", name)
		}
		if b := server.CloseNotify(nil); len(b) != 0 {
			t.Errorf("%s: second close_notify of %d bytes", name, len(b))
		}
	}
}

// TestGarbageInHandshake: each is refused, if possible with an alert, without
// waiting for more, and the coroutine is gone.
func TestGarbageInHandshake(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want string
	}{
		"HTTP":             {"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "first record does not look like a TLS handshake"},
		"XML":              {"<?xml version='1.0'?><stream:stream", "first record does not look like a TLS handshake"},
		"SSLv2":            {"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10", "SSLv2"},
		"application data": {"\x17\x03\x03\x00\x10" + strings.Repeat("x", 16), "first record does not look like a TLS handshake"},
		"oversized":        {"\x16\x03\x01\xff\xff", "oversized record"},
		"not a hello":      {"\x16\x03\x01\x00\x04\x0e\x00\x00\x00", "unexpected handshake message"},
		"broken hello":     {"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", ""},
		"huge message":     {"\x16\x03\x01\x00\x04\x01\xff\xff\xff", "handshake message of length"},
		"alert":            {"\x15\x03\x01\x00\x02\x02\x28", "handshake failure"},
	} {
		for _, piece := range []int{0, 1} {
			before := runtime.NumGoroutine()
			server := xtls.Server(serverConfig(t))
			var err error
			in := []byte(c.in)
			for len(in) > 0 && err == nil {
				n := cut(len(in), piece)
				var done bool
				if _, done, err = server.Step(in[:n]); done {
					t.Fatalf("%s: done", name)
				}
				in = in[n:]
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s in pieces of %d: %v", name, piece, err)
			}
			if _, _, again := server.Step(nil); again != err {
				t.Errorf("%s: the error is not final: %v", name, again)
			}
			if n := runtime.NumGoroutine(); n > before {
				t.Errorf("%s: %d goroutines, %d before", name, n, before)
			}
			server.Close()
		}
	}
}

// TestGarbageAfterHandshake: each is refused and leaves an alert to be sent.
func TestGarbageAfterHandshake(t *testing.T) {
	for version := range versions {
		for name, garbage := range map[string]string{
			"bad MAC":      "\x17\x03\x03\x00\x20" + strings.Repeat("x", 32),
			"oversized":    "\x17\x03\x03\xff\xff",
			"1.3 overflow": "\x17\x03\x03\x48\x01" + strings.Repeat("x", 0x4801),
			"bad version":  "\x17\x02\x03\x00\x20" + strings.Repeat("x", 32),
			"too short":    "\x17\x03\x03\x00\x01x",
			"empty":        "\x17\x03\x03\x00\x00",
			"plain alert":  "\x15\x03\x03\x00\x02\x01\x00",
			"plain hello":  "\x16\x03\x03\x00\x04\x01\x00\x00\x00",
		} {
			client, server := pair(t, versions[version])
			in, more := encrypt(t, client, []byte("good")), encrypt(t, client, []byte("more"))
			got, err := server.Decrypt(append(in, garbage...), nil)
			if err == nil || err == io.EOF || string(got) != "good" {
				t.Errorf("%s, %s: %q, %v", version, name, got, err)
				continue
			}
			alert := server.Pending()
			if len(alert) == 0 {
				t.Errorf("%s, %s: no alert with %v", version, name, err)
			} else if _, err := client.Decrypt(alert, nil); err == nil || err == io.EOF {
				t.Errorf("%s, %s: the client takes the alert for %v", version, name, err)
			}
			if _, again := server.Decrypt(more, nil); again != err {
				t.Errorf("%s, %s: goes on: %v", version, name, again)
			}
			if _, err := server.Encrypt([]byte("x"), nil); err == nil {
				t.Errorf("%s, %s: still encrypts", version, name)
			}
		}
	}
}

func TestModifiedByteIsNoticed(t *testing.T) {
	client, server := pair(t, tls.VersionTLS13)
	wire := encrypt(t, client, []byte("hello"))
	wire[len(wire)-1] ^= 1
	if got, err := server.Decrypt(wire, nil); err == nil || len(got) != 0 {
		t.Fatalf("%q, %v", got, err)
	}
}

func TestCloseUnwindsTheCoroutine(t *testing.T) {
	cfg := serverConfig(t)
	before := runtime.NumGoroutine()
	var filters []*xtls.Filter
	for i := range 100 {
		server, client := xtls.Server(cfg), xtls.Client(clientConfig(tls.VersionTLS13))
		hello, _, err := client.Step(nil)
		if err != nil {
			t.Fatal(err)
		}
		if i%3 > 0 { // some never start, some in the middle of the hello, some behind it
			if _, _, err := server.Step(hello[:len(hello)*(i%3)/2]); err != nil {
				t.Fatal(err)
			}
		}
		filters = append(filters, server, client)
	}
	for _, f := range filters {
		f.Close()
		f.Close()
		if _, _, err := f.Step(nil); !errors.Is(err, xtls.ErrClosed) {
			t.Fatalf("Step after Close: %v", err)
		}
		if _, err := f.Decrypt(nil, nil); !errors.Is(err, xtls.ErrClosed) {
			t.Fatalf("Decrypt after Close: %v", err)
		}
		if _, err := f.Encrypt([]byte("x"), nil); !errors.Is(err, xtls.ErrClosed) {
			t.Fatalf("Encrypt after Close: %v", err)
		}
		if f.CloseNotify(nil) != nil || f.Pending() != nil || f.Info().Version != 0 {
			t.Fatal("a closed filter still has something")
		}
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Fatalf("%d goroutines, %d before", n, before)
	}
}

func TestPhases(t *testing.T) {
	f := xtls.Server(serverConfig(t))
	defer f.Close()
	if _, err := f.Decrypt(nil, nil); !errors.Is(err, xtls.ErrPhase) {
		t.Errorf("Decrypt: %v", err)
	}
	if _, err := f.Encrypt([]byte("x"), nil); !errors.Is(err, xtls.ErrPhase) {
		t.Errorf("Encrypt: %v", err)
	}
	if b := f.CloseNotify(nil); len(b) != 0 || f.Established() {
		t.Error("close_notify in the handshake")
	}
	if _, _, err := f.Step(make([]byte, xtls.MaxHeld+1)); !errors.Is(err, xtls.ErrHeld) {
		t.Errorf("too much for the handshake: %v", err)
	}
	_, server := pair(t, tls.VersionTLS13)
	if _, _, err := server.Step(nil); !errors.Is(err, xtls.ErrPhase) || !server.Established() {
		t.Errorf("Step after the handshake: %v", err)
	}
}

// TestAgainstCryptoTLS lets an ordinary tls.Client talk to a filter over
// net.Pipe, with a megabyte each way.
func TestAgainstCryptoTLS(t *testing.T) {
	for name, version := range versions {
		t.Run(name, func(t *testing.T) {
			a, b := net.Pipe()
			plain := make([]byte, 1<<20)
			rand.Read(plain)
			result := make(chan error, 1)
			go func() { result <- echoClient(tls.Client(a, clientConfig(version)), plain) }()
			if err := serveEcho(b, xtls.Server(serverConfig(t))); err != nil {
				t.Errorf("server: %v", err)
			}
			if err := <-result; err != nil {
				t.Errorf("client: %v", err)
			}
		})
	}
}

func echoClient(c *tls.Conn, plain []byte) error {
	sent := make(chan error, 1)
	if err := c.Handshake(); err != nil {
		return err
	}
	go func() { _, err := c.Write(plain); sent <- err }()
	got := make([]byte, len(plain))
	if _, err := io.ReadFull(c, got); err != nil {
		return err
	}
	if !bytes.Equal(got, plain) {
		return errors.New("the echo differs")
	}
	if err := <-sent; err != nil {
		return err
	}
	return c.Close()
}

// serveEcho drives a filter by hand until the peer says close_notify. Writes
// go through a goroutine of their own, since a net.Pipe has no buffer.
func serveEcho(conn net.Conn, f *xtls.Filter) error {
	defer conn.Close()
	defer f.Close()
	writes := make(chan []byte, 1024)
	defer close(writes)
	go func() {
		for b := range writes {
			conn.Write(b)
		}
	}()
	buf := make([]byte, 32<<10)
	for done := false; !done; {
		n, err := conn.Read(buf)
		if err != nil {
			return err
		}
		var out []byte
		if out, done, err = f.Step(buf[:n]); err != nil {
			return err
		}
		writes <- out
	}
	plain, err := f.Decrypt(nil, nil)
	for {
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		out, err2 := f.Encrypt(plain, nil)
		if err2 != nil {
			return err2
		}
		writes <- out
		n, err2 := conn.Read(buf)
		if err2 != nil {
			return err2
		}
		plain, err = f.Decrypt(buf[:n], nil)
	}
}

// TestEachStepOnAnotherWorker: a handshake may move between the goroutines of a
// pool. The race detector watches.
func TestEachStepOnAnotherWorker(t *testing.T) {
	type result struct {
		out  []byte
		done bool
		err  error
	}
	step := func(f *xtls.Filter, in []byte) result {
		c := make(chan result)
		go func() {
			out, done, err := f.Step(in)
			c <- result{out, done, err}
		}()
		return <-c
	}
	for name, version := range versions {
		client, server := xtls.Client(clientConfig(version)), xtls.Server(serverConfig(t))
		r, to, from := step(client, nil), server, client
		for !client.Established() || !server.Established() {
			for i := range r.out[:len(r.out)-1] { // byte by byte but for the last
				if s := step(to, r.out[i:i+1]); s.err != nil || s.done || len(s.out) > 0 {
					t.Fatalf("%s: %+v", name, s)
				}
			}
			if r = step(to, r.out[len(r.out)-1:]); r.err != nil {
				t.Fatalf("%s: %v", name, r.err)
			}
			to, from = from, to
		}
		expect(t, server, encrypt(t, client, []byte("x")), []byte("x"))
		client.Close()
		server.Close()
	}
}
