package engine_test

import (
	"bytes"
	"compress/zlib"
	"crypto/sha512"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/await"
	"github.com/xylem-im/xylem/session"
)

// zipped is the client's end of a compressed stream.
type zipped struct {
	net.Conn
	w *zlib.Writer
	r io.Reader
}

func (z *zipped) Write(p []byte) (int, error) {
	n, err := z.w.Write(p)
	if err == nil {
		err = z.w.Flush()
	}
	return n, err
}

// Read begins with the first bytes: zlib reads its header at once.
func (z *zipped) Read(p []byte) (int, error) {
	if z.r == nil {
		r, err := zlib.NewReader(z.Conn)
		if err != nil {
			return 0, err
		}
		z.r = r
	}
	n, err := z.r.Read(p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF // a stream has no end of its own
	}
	return n, err
}

// compress asks for compression and goes on with it.
func (c *client) compress() {
	c.t.Helper()
	c.send("<compress xmlns='%s'><method>zlib</method></compress>", session.NSCompress)
	c.expect("compressed")
	c.use(&zipped{Conn: c.conn, w: zlib.NewWriter(c.conn)})
	if f := c.open(); f.has("compression") || !f.has("bind") {
		c.t.Fatalf("offered inside: %s", f)
	}
}

// zip logs in and binds a resource on a compressed stream.
func (s *server) zip(t testing.TB, transport, user, resource string) *client {
	t.Helper()
	c := s.connect(t, transport)
	c.open()
	if f := c.authenticate(user); !f.has("compression") || f.child("compression").child("method").Text != "zlib" {
		t.Fatalf("not offered: %s", f)
	}
	c.compress()
	c.bind(resource)
	return c
}

func compressing(cfg *engine.Config) { cfg.Compression = true }

// Over every transport, to and from clients that do not compress, in order,
// short and long.
func TestCompression(t *testing.T) {
	t.Parallel()
	for _, transport := range transports {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			s := serve(t, compressing)
			alice, bob := s.zip(t, transport, "alice", "a"), s.login(t, "tcp", "bob", "b")
			carol := s.zip(t, transport, "carol", "c")
			for i, n := range []int{0, 1, 100, 5000, 100_000} {
				body := fmt.Sprint(i) + strings.Repeat("Wörter ", n/8) + strings.Repeat("x", n%8)
				alice.chats(bob, body)
				bob.chats(carol, body)
				carol.chats(alice, body)
			}
			alice.send("</stream:stream>")
			alice.expectEnd()
		})
	}
}

// The errors of XEP-0138 leave the stream as it is.
func TestCompressionFailures(t *testing.T) {
	t.Parallel()
	ask := func(c *client, method string) *node {
		c.send("<compress xmlns='%s'>%s</compress>", session.NSCompress, method)
		return c.expect("failure")
	}
	s := serve(t, compressing)
	c := s.connect(t, "tcp")
	if f := c.open(); f.has("compression") {
		t.Errorf("offered before login: %s", f)
	}
	if n := ask(c, "<method>zlib</method>"); !n.has("setup-failed") {
		t.Errorf("before login: %s", n)
	}
	c.authenticate("alice")
	for _, method := range []string{"<method>lzw</method>", "<method/>", "", "<method xmlns='urn:x'>zlib</method>"} {
		if n := ask(c, method); !n.has("unsupported-method") {
			t.Errorf("%s: %s", method, n)
		}
	}
	c.compress()
	if n := ask(c, "<method>zlib</method>"); !n.has("setup-failed") {
		t.Errorf("twice: %s", n)
	}
	c.bind("a")
	c.chats(c, "works")
	if n := ask(c, "<method>zlib</method>"); !n.has("setup-failed") {
		t.Errorf("with a resource: %s", n)
	}
	c.chats(c, "still works")
	c.send("<compressed xmlns='%s'/>", session.NSCompress)
	c.expectStreamError("unsupported-stanza-type")

	off := serve(t, nil).connect(t, "tcp")
	off.open()
	if f := off.authenticate("alice"); f.has("compression") {
		t.Errorf("offered though it is off: %s", f)
	}
	if n := ask(off, "<method>zlib</method>"); !n.has("setup-failed") {
		t.Errorf("off: %s", n)
	}
	off.bind("a")
	off.chats(off, "goes on")
}

// Hostile compressed input ends the stream with the error for it, costs little,
// and harms nobody.
func TestHostileCompression(t *testing.T) {
	t.Parallel()
	pack := func(level int, text string) []byte {
		var b bytes.Buffer
		w, err := zlib.NewWriterLevel(&b, level)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	s := serve(t, func(cfg *engine.Config) {
		compressing(cfg)
		cfg.Limits.StanzaBytes = 20_000
	})
	open := streamHeader
	message := "<message to='nobody@localhost' type='headline'><body>" + strings.Repeat("x", 10_000) + "</body></message>"
	cases := []struct {
		name string
		sent []byte
		want string
	}{
		{"no zlib", []byte(open), "undefined-condition"},
		{"damaged", append(pack(9, open), bytes.Repeat([]byte{0xff}, 100)...), "undefined-condition"},
		{"a large stanza, packed", pack(9, open+"<iq type='set' id='1'><x xmlns='urn:x'>"+strings.Repeat("x", 30_000)), "policy-violation"},
		{"a bomb of white space", pack(9, open+strings.Repeat(" ", 4<<20)), "policy-violation"},
		{"a bomb of stanzas", pack(9, open+"<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"+strings.Repeat(message, 400)), "policy-violation"},
		{"not well-formed inside", pack(1, open+"<a></b>"), "not-well-formed"},
	}
	bob := s.login(t, "tcp", "bob", "b")
	for _, c := range cases {
		alice := s.connect(t, "tcp")
		alice.open()
		alice.authenticate("alice")
		alice.send("<compress xmlns='%s'><method>zlib</method></compress>", session.NSCompress)
		alice.expect("compressed")
		in := s.Stats().BytesInTotal
		conn := alice.conn
		go func() { _, _ = conn.Write(c.sent) }() // may break off: nobody reads the rest
		alice.use(&zipped{Conn: conn})
		alice.dec = xml.NewDecoder(alice.r)
		n := alice.next()
		for n.XMLName.Local != "error" {
			n = alice.next()
		}
		if !n.has(c.want) {
			t.Errorf("%s: got %s, want %s", c.name, n, c.want)
		}
		if c.want == "undefined-condition" && (!n.has("failure") || !n.child("failure").has("processing-failed")) {
			t.Errorf("%s: got %s, want processing-failed", c.name, n)
		}
		t.Logf("%s: %d bytes were read", c.name, s.Stats().BytesInTotal-in)
		bob.chats(bob, "still served after "+c.name)
	}
}

// The request and all that follows may come at once, byte by byte, and faster
// than it is taken.
func TestCompressionTakesItsTime(t *testing.T) {
	t.Parallel()
	s := serve(t, func(cfg *engine.Config) {
		compressing(cfg)
		cfg.Limits.StanzasPerSecond = 200
	})
	bob := s.login(t, "pipe", "bob", "b")
	alice := s.connect(t, "tcp")
	alice.open()
	alice.authenticate("alice")
	var all bytes.Buffer
	fmt.Fprintf(&all, "<compress xmlns='%s'><method>zlib</method></compress>", session.NSCompress)
	w := zlib.NewWriter(&all)
	fmt.Fprint(w, streamHeader+"<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
	const count = 300
	for i := range count {
		fmt.Fprintf(w, "<message to='%s' id='%d'><body>%x</body></message>", bob.jid, i, sha512.Sum512([]byte(fmt.Sprint(i))))
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		write(t, alice.conn, all.String()[i:i+1])
	}
	write(t, alice.conn, all.String()[100:])
	alice.expect("compressed")
	alice.use(&zipped{Conn: alice.conn})
	for i := range count {
		if id := bob.expect("message").attr("id"); id != fmt.Sprint(i) {
			t.Fatalf("got %s, want %d", id, i)
		}
	}
	if s.Stats().ThrottledTotal == 0 {
		t.Error("not held back")
	}
}

// A compressed stream resumes a session, on any loop, and one that is not
// compressed resumes what was.
func TestCompressionAndResumption(t *testing.T) {
	t.Parallel()
	s := serve(t, compressing)
	bob := s.login(t, "tcp", "bob", "b")
	for round := range 6 { // several, so that loops differ
		alice := s.zip(t, "tcp", "alice", "a")
		alice.send("<enable xmlns='%s' resume='true'/>", session.NSManage)
		id := alice.expect("enabled").attr("id")
		alice.chats(bob, "before")
		alice.conn.Close()
		await.Equal(t, "detached sessions", func() int64 { return s.Stats().Detached }, 1)
		bob.send("<message to='%s' type='chat'><body>meanwhile</body></message>", alice.jid)
		bob.sync()
		again := s.connect(t, "tls")
		again.open()
		again.authenticate("alice")
		if round%2 == 0 {
			again.compress()
		}
		again.send("<resume xmlns='%s' h='0' previd='%s'/>", session.NSManage, id)
		again.jid = alice.jid
		again.expect("resumed")
		for range 2 { // and a request to acknowledge it, before or after
			if n := again.next(); n.XMLName.Local != "r" && n.child("body").Text != "meanwhile" {
				t.Errorf("got %s", n)
			}
		}
		again.send("<a xmlns='%s' h='1'/>", session.NSManage)
		again.chats(bob, "after")
		bob.chats(again, "and back")
		again.send("<a xmlns='%s' h='2'/></stream:stream>", session.NSManage)
		await.Equal(t, "sessions", func() int64 { return s.Stats().Sessions }, 1)
	}
}
