package engine_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/testsasl"
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/storage/memory"
)

// patience is the deadline of every wait; it is reached in failures only.
const patience = 60 * time.Second

const (
	nsStream  = "http://etherx.jabber.org/streams"
	nsStreams = "urn:ietf:params:xml:ns:xmpp-streams"
	nsStanzas = "urn:ietf:params:xml:ns:xmpp-stanzas"
	nsSASL    = "urn:ietf:params:xml:ns:xmpp-sasl"
	nsTLS     = "urn:ietf:params:xml:ns:xmpp-tls"
	nsBind    = "urn:ietf:params:xml:ns:xmpp-bind"
)

// streamHeader is the usual header of a client.
const streamHeader = `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='` + nsStream + `' to='localhost' version='1.0'>`

// server is a running engine of a test.
type server struct {
	*engine.Engine
	run chan error
}

// newConfig is an engine for tests: one domain, three ways in, an empty store.
func newConfig() engine.Config {
	return engine.Config{
		Domains:        []string{"localhost"},
		Listeners:      []engine.Listener{{Name: "plain", Address: "127.0.0.1:0"}, {Name: "tls", Address: "127.0.0.1:0", TLS: true}},
		Certificates:   testCertificates{},
		Auth:           newAccounts("alice", "bob", "carol"),
		AllowPlaintext: true,
		Loops:          2,
		Limits:         engine.Limits{DrainTime: patience, Connections: 10_000},
	}
}

// serve runs an engine until the end of the test.
func serve(t testing.TB, change func(*engine.Config)) *server {
	t.Helper()
	cfg := newConfig()
	if change != nil {
		change(&cfg)
	}
	e, err := engine.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{Engine: e, run: make(chan error, 1)}
	go func() { s.run <- e.Run(context.Background()) }()
	select {
	case <-e.Ready():
	case err := <-s.run:
		t.Fatalf("Run: %v", err)
	}
	t.Cleanup(func() { s.shutdown(t) })
	return s
}

// shutdown ends the engine and checks that it ended well; again does nothing.
func (s *server) shutdown(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	select {
	case err := <-s.run:
		if err != nil {
			t.Errorf("Run: %v", err)
		}
		s.run <- nil
	case <-ctx.Done():
		t.Error("Run goes on after Shutdown")
	}
}

// addr is the address of the listener of that name.
func (s *server) addr(name string) string {
	for _, a := range s.Addrs() {
		if a.Name == name {
			return a.Addr.String()
		}
	}
	panic("no listener " + name)
}

// transports are the ways into an engine.
var transports = []string{"pipe", "tcp", "tls"}

// connect opens a connection by the transport of that name.
func (s *server) connect(t testing.TB, transport string) *client {
	t.Helper()
	var conn net.Conn
	var err error
	switch transport {
	case "pipe":
		conn, err = s.Pipe()
	case "tcp":
		conn, err = net.DialTimeout("tcp", s.addr("plain"), patience)
	case "tls":
		conn, err = tls.Dial("tcp", s.addr("tls"), clientTLS("localhost"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return newClient(t, conn)
}

// client is the client's end of a connection. It reads with encoding/xml, so
// that the server's parser is not its own judge.
type client struct {
	t      testing.TB
	conn   net.Conn
	r      *bufio.Reader
	dec    *xml.Decoder
	header xml.StartElement
	jid    string
	first  string // sent in front of what is sent next
}

func newClient(t testing.TB, conn net.Conn) *client {
	c := &client{t: t}
	c.use(conn)
	t.Cleanup(func() { _ = c.conn.Close() })
	return c
}

// use goes on over conn, which reads c's present connection.
func (c *client) use(conn net.Conn) {
	c.conn = conn
	c.r = bufio.NewReader(conn)
	c.dec = xml.NewDecoder(c.r)
	c.renew(c.t)
}

// renew goes on in another test, with a new deadline.
func (c *client) renew(t testing.TB) {
	c.t = t
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) send(format string, args ...any) {
	c.t.Helper()
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	format, c.first = c.first+format, ""
	if _, err := io.WriteString(c.conn, format); err != nil {
		c.t.Fatalf("write: %v", err)
	}
}

// node is one element as it came.
type node struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Inner    string     `xml:",innerxml"`
	Children []node     `xml:",any"`
}

func (n *node) attr(name string) string {
	for _, a := range n.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// child is the first child of that name; the zero node when there is none.
func (n *node) child(local string) *node {
	for i := range n.Children {
		if n.Children[i].XMLName.Local == local {
			return &n.Children[i]
		}
	}
	return &node{}
}

// has tells whether there is such a child.
func (n *node) has(local string) bool { return n.child(local).XMLName.Local != "" }

func (n *node) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "<%s", n.XMLName.Local)
	for _, a := range n.Attrs {
		fmt.Fprintf(&b, " %s='%s'", a.Name.Local, a.Value)
	}
	fmt.Fprintf(&b, ">%s</%s>", n.Inner, n.XMLName.Local)
	return b.String()
}

// errStreamEnd is </stream:stream>.
var errStreamEnd = errors.New("</stream:stream>")

// read is the next element of the stream.
func (c *client) read() (*node, error) {
	for {
		tok, err := c.dec.Token()
		if err != nil {
			return nil, err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if tok.Name == (xml.Name{Space: nsStream, Local: "stream"}) {
				c.header = tok.Copy()
				continue
			}
			n := new(node)
			return n, c.dec.DecodeElement(n, &tok)
		case xml.EndElement:
			return nil, errStreamEnd
		}
	}
}

// next is read for what must come.
func (c *client) next() *node {
	c.t.Helper()
	n, err := c.read()
	if err != nil {
		c.t.Fatalf("%s: read: %v", c.jid, err)
	}
	return n
}

// expect is next for an element of that name.
func (c *client) expect(local string) *node {
	c.t.Helper()
	n := c.next()
	if n.XMLName.Local != local {
		c.t.Fatalf("%s: got %s, want <%s>", c.jid, n, local)
	}
	return n
}

// expectStreamError takes a stream error, the end of the stream and that of
// the connection.
func (c *client) expectStreamError(condition string) {
	c.t.Helper()
	n := c.expect("error")
	if n.XMLName.Space != nsStream || n.child(condition).XMLName != (xml.Name{Space: nsStreams, Local: condition}) {
		c.t.Fatalf("%s: got %s, want stream error %s", c.jid, n, condition)
	}
	c.expectEnd()
}

// expectEnd takes the end of the stream and that of the connection.
func (c *client) expectEnd() {
	c.t.Helper()
	if n, err := c.read(); err != errStreamEnd {
		c.t.Fatalf("%s: got %v, %v; want </stream:stream>", c.jid, n, err)
	}
	c.expectClosed()
}

// expectClosed takes the end of the connection.
func (c *client) expectClosed() {
	c.t.Helper()
	if b, err := c.r.ReadByte(); err != io.EOF {
		c.t.Fatalf("%s: got byte %q, %v; want the end of the connection", c.jid, b, err)
	}
}

// open sends a stream header and takes the server's with its features.
func (c *client) open() *node {
	c.t.Helper()
	return c.openTo("localhost")
}

func (c *client) openTo(domain string) *node {
	c.t.Helper()
	c.dec = xml.NewDecoder(c.r)
	c.send("%s", strings.ReplaceAll(streamHeader, "localhost", domain))
	return c.expect("features")
}

// startTLS goes on inside TLS.
func (c *client) startTLS(cfg *tls.Config) *tls.Conn {
	c.t.Helper()
	c.send("<starttls xmlns='%s'/>", nsTLS)
	c.expect("proceed")
	conn := tls.Client(c.conn, cfg)
	if err := conn.Handshake(); err != nil {
		c.t.Fatalf("handshake: %v", err)
	}
	c.use(conn)
	return conn
}

// auth goes through SASL and returns what ended it: <success/> or <failure/>.
func (c *client) auth(mechanism string, cfg sasl.ClientConfig) (last *node) {
	c.t.Helper()
	send := func(xml string) error {
		c.send("%s", xml)
		return nil
	}
	next := func() (name, text string, err error) {
		last = c.next()
		return last.XMLName.Local, last.Text, nil
	}
	if err := testsasl.Login(mechanism, cfg, send, next); err != nil && !errors.Is(err, testsasl.ErrRefused) {
		c.t.Fatal(err)
	}
	return last
}

// encode is base64 as RFC 6120 §6.4.2 wants it.
func encode(b []byte) string {
	if len(b) == 0 {
		return "="
	}
	return base64.StdEncoding.EncodeToString(b)
}

// authenticate logs in as user and opens the stream after it.
func (c *client) authenticate(user string) *node {
	c.t.Helper()
	if n := c.auth(sasl.SCRAMSHA1, sasl.ClientConfig{Username: user, Password: "secret"}); n.XMLName.Local != "success" {
		c.t.Fatalf("login of %s: %s", user, n)
	}
	return c.open()
}

// bind binds a resource; an empty one is left to the server.
func (c *client) bind(resource string) {
	c.t.Helper()
	if resource != "" {
		resource = "<resource>" + resource + "</resource>"
	}
	c.send("<iq type='set' id='bind'><bind xmlns='%s'>%s</bind></iq>", nsBind, resource)
	n := c.expect("iq")
	if n.attr("type") != "result" || n.attr("id") != "bind" {
		c.t.Fatalf("bind: %s", n)
	}
	c.jid = n.child("bind").child("jid").Text
}

// login connects and comes back with a bound session.
func (s *server) login(t testing.TB, transport, user, resource string) *client {
	t.Helper()
	c := s.connect(t, transport)
	c.open()
	c.authenticate(user)
	c.bind(resource)
	return c
}

// sync waits until the server has handled all that c sent, and takes the stanzas that it
// sends before that.
func (c *client) sync() (before []*node) {
	c.t.Helper()
	c.send("<iq type='get' id='sync' to='%s'><query xmlns='urn:example:sync'/></iq>", c.jid)
	for {
		n := c.next()
		if n.XMLName.Local == "iq" && n.attr("id") == "sync" {
			return before
		}
		if n.XMLName.Space != nsManage {
			before = append(before, n)
		}
	}
}

// expectNothing makes sure that nothing was sent to c so far.
func (c *client) expectNothing() {
	c.t.Helper()
	if before := c.sync(); len(before) > 0 {
		c.t.Fatalf("%s: got %s, want nothing", c.jid, before[0])
	}
}

// chats sends a message to another client and has it arrive.
func (c *client) chats(to *client, body string) {
	c.t.Helper()
	c.send("<message to='%s' type='chat'><body>%s</body></message>", to.jid, body)
	n := to.expect("message")
	if n.attr("from") != c.jid || n.attr("to") != to.jid || n.child("body").Text != body {
		c.t.Fatalf("%s got %s from %s", to.jid, n, c.jid)
	}
}

// accounts is an Authenticator whose users' password is "secret". What
// it tests is not the price of a password.
type accounts map[string]*sasl.Credentials

func newAccounts(users ...string) accounts {
	a := accounts{}
	for _, u := range users {
		a[u] = secretCredentials()
	}
	return a
}

// secretCredentials are counted once instead of ten thousand times.
var secretCredentials = sync.OnceValue(func() *sasl.Credentials {
	return &sasl.Credentials{SHA1: cheapKeys(sha1.New), SHA256: cheapKeys(sha256.New)}
})

// cheapKeys are those of RFC 5802 §3.
func cheapKeys(h func() hash.Hash) sasl.Keys {
	salt := []byte("0123456789abcdef")
	salted, err := pbkdf2.Key(h, "secret", salt, 1, h().Size())
	if err != nil {
		panic(err)
	}
	sum := func(text string) []byte {
		m := hmac.New(h, salted)
		m.Write([]byte(text))
		return m.Sum(nil)
	}
	stored := h()
	stored.Write(sum("Client Key"))
	return sasl.Keys{Salt: salt, Iterations: 1, StoredKey: stored.Sum(nil), ServerKey: sum("Server Key")}
}

func (a accounts) Credentials(local, _ string, done func(*sasl.Credentials, error)) {
	done(a[local], nil)
}

func (a accounts) Verify(local, _, password string, done func(bool, error)) {
	done(a[local] != nil && password == "secret", nil)
}

// withStore has cfg use a memory store instead of accounts.
func withStore(cfg *engine.Config) {
	cfg.Auth, cfg.Store = nil, memory.New(memory.Options{})
}

// create makes accounts in the server's store, with the password "secret".
func (s *server) create(t testing.TB, users ...string) {
	t.Helper()
	for _, u := range users {
		if err := s.Accounts().Create(context.Background(), jid.MustParse(u), "secret"); err != nil {
			t.Fatal(err)
		}
	}
}

// testCertificates shows a certificate of its own for every name but
// "nowhere.example".
type testCertificates struct{}

func (testCertificates) Certificate(name string) (*tls.Certificate, error) {
	if name == "nowhere.example" {
		return nil, errors.New("no certificate")
	}
	return certificateFor(name), nil
}

var certificateOf sync.Map // name -> *tls.Certificate

// certificateFor is a self-signed certificate for name.
func certificateFor(name string) *tls.Certificate {
	if name == "" {
		name = "localhost"
	}
	if c, ok := certificateOf.Load(name); ok {
		return c.(*tls.Certificate)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: name},
		DNSNames:     []string{name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IsCA:         true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	c, _ := certificateOf.LoadOrStore(name, &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf})
	return c.(*tls.Certificate)
}

// clientTLS trusts the server's certificate for name.
func clientTLS(name string) *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(certificateFor(name).Leaf)
	return &tls.Config{ServerName: name, RootCAs: roots, NextProtos: []string{"xmpp-client"}}
}

// saslSecret is what a user of newAccounts logs in with.
func saslSecret(user string) sasl.ClientConfig {
	return sasl.ClientConfig{Username: user, Password: "secret"}
}

func newDecoder(c *client) *xml.Decoder { return xml.NewDecoder(c.r) }
