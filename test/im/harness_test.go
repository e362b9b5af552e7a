package im_test

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/internal/stanzatest"
	"github.com/xylem-im/xylem/internal/testsasl"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/memory"
	"github.com/xylem-im/xylem/xep"
	"github.com/xylem-im/xylem/xep/standard"
)

// patience is the deadline of every wait; it is reached in failures only.
const patience = 60 * time.Second

// anybody lets in whoever says "secret"; what a password costs is tested
// elsewhere, so it is hashed once. Those exist who have something stored, see
// server.account.
type anybody struct{ store *memory.Driver }

func (a anybody) Exists(local, domain string, done func(bool, error)) {
	res := a.store.Read(&storage.Op{Kind: storage.Get, Owner: local + "@" + domain,
		Collection: xep.CollectionAccount, Key: []byte(xep.KeyCredentials)})
	if xep.IsNotFound(res.Err) {
		res.Err = nil
	}
	done(len(res.Items) > 0, res.Err)
}

func (anybody) Credentials(_, _ string, done func(*sasl.Credentials, error)) {
	done(credentials(), nil)
}
func (anybody) Verify(_, _, _ string, done func(bool, error)) { done(false, nil) }

var credentials = sync.OnceValue(func() *sasl.Credentials {
	salt := []byte("0123456789abcdef")
	salted, err := pbkdf2.Key(sha1.New, "secret", salt, 1, sha1.Size)
	if err != nil {
		panic(err)
	}
	sum := func(text string) []byte { // RFC 5802 §3
		m := hmac.New(sha1.New, salted)
		m.Write([]byte(text))
		return m.Sum(nil)
	}
	stored := sha1.Sum(sum("Client Key"))
	keys := sasl.Keys{Salt: salt, Iterations: 1, StoredKey: stored[:], ServerKey: sum("Server Key")}
	return &sasl.Credentials{SHA1: keys}
})

// server is the stock server on a store in memory, which may be wrapped.
type server struct {
	*enginetest.Server
	t     testing.TB
	store *memory.Driver
	world *enginetest.World // with other servers; nil: none
}

func start(t testing.TB, wrap func(storage.Driver) storage.Driver, cfg engine.Config) *server {
	t.Helper()
	s := &server{t: t, store: memory.New(memory.Options{MaxBytes: 256 << 20})}
	cfg.Store = s.store
	if wrap != nil {
		cfg.Store = wrap(s.store)
	}
	if cfg.Domains == nil {
		cfg.Domains = []string{"localhost"}
	}
	if cfg.Extensions == nil {
		cfg.Extensions = standard.Register
	}
	if cfg.Auth == nil {
		cfg.Auth = anybody{s.store}
	}
	s.Server = enginetest.StartConfig(t, cfg)
	return s
}

// federated starts a server for each domain; they reach each other.
func federated(t testing.TB, domains ...string) map[string]*server {
	t.Helper()
	servers := map[string]*server{}
	w := enginetest.NewWorld(t)
	for _, d := range domains {
		servers[d] = startIn(t, w, nil, d)
	}
	return servers
}

// startIn starts a server of a world; change may be nil.
func startIn(t testing.TB, w *enginetest.World, change func(*engine.Config), domains ...string) *server {
	t.Helper()
	s := &server{t: t, store: memory.New(memory.Options{MaxBytes: 256 << 20}), world: w}
	s.Server = w.Start(func(cfg *engine.Config) {
		cfg.Store, cfg.Auth, cfg.Extensions = s.store, anybody{s.store}, standard.Register
		if change != nil {
			change(cfg)
		}
	}, domains...)
	return s
}

// in is s for the use of another test; s may be nil.
func (s *server) in(t testing.TB) *server {
	if s == nil {
		return nil
	}
	return &server{s.Server, t, s.store, s.world}
}

// account makes an account without asking the engine: one that exists.
func (s *server) account(bare string) {
	s.t.Helper()
	op := &storage.Op{Kind: storage.Apply, Owner: bare}
	op.Batch.Put(xep.CollectionAccount, []byte(xep.KeyCredentials), []byte("x"))
	s.apply(op)
}

// apply changes the store behind the server's back.
func (s *server) apply(op *storage.Op) {
	s.t.Helper()
	errs := make([]error, 1)
	if s.store.Apply([]*storage.Op{op}, errs); errs[0] != nil {
		s.t.Fatal(errs[0])
	}
}

// element is what a client reads.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Children []element  `xml:",any"`
}

func (e *element) attr(name string) string {
	for _, a := range e.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// child follows a path of local names; the zero element when it breaks off.
func (e *element) child(path ...string) *element {
	for _, name := range path {
		next := &element{}
		for i := range e.Children {
			if e.Children[i].XMLName.Local == name {
				next = &e.Children[i]
				break
			}
		}
		e = next
	}
	return e
}

func (e *element) is(name string) bool { return e.XMLName.Local == name }

// condition is that of a stanza error; empty for others.
func (e *element) condition() string {
	if e.attr("type") != "error" {
		return ""
	}
	for _, c := range e.child("error").Children {
		if c.XMLName.Space == "urn:ietf:params:xml:ns:xmpp-stanzas" && c.XMLName.Local != "text" {
			return c.XMLName.Local
		}
	}
	return "no condition"
}

func (e *element) String() string {
	var b strings.Builder
	if err := xml.NewEncoder(&b).Encode(e); err != nil {
		return err.Error()
	}
	return b.String()
}

// client is a session.
type client struct {
	t    testing.TB
	jid  string // full
	conn net.Conn
	dec  *xml.Decoder
	n    int // marks sent
}

// login binds a resource of an account and sends what is given behind it.
func (s *server) login(full, more string) *client {
	s.t.Helper()
	bare, resource, _ := strings.Cut(full, "/")
	local, domain, _ := strings.Cut(bare, "@")
	c := &client{t: s.t, jid: full, conn: s.Dial()}
	s.t.Cleanup(func() { _ = c.conn.Close() })
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	c.dec = xml.NewDecoder(c.conn)
	open := "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='" + domain + "' version='1.0'>"
	c.send("%s", open)
	c.authenticate(local)
	c.send("%s", open+"<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>"+resource+"</resource></bind></iq>"+more)
	if _, e := c.until(withID("bind")); e.attr("type") != "result" {
		s.t.Fatalf("%s: %s", full, e)
	}
	return c
}

func (c *client) authenticate(local string) {
	c.t.Helper()
	send := func(xml string) error {
		c.send("%s", xml)
		return nil
	}
	next := func() (name, text string, err error) {
		_, e := c.until(func(e *element) bool { return !e.is("features") })
		return e.XMLName.Local, e.Text, nil
	}
	if err := testsasl.Login(sasl.SCRAMSHA1, sasl.ClientConfig{Username: local, Password: "secret"}, send, next); err != nil {
		c.t.Fatalf("%s: %v", c.jid, err)
	}
}

func (c *client) send(format string, args ...any) {
	c.t.Helper()
	if _, err := fmt.Fprintf(c.conn, format, args...); err != nil {
		c.t.Fatalf("%s: %v", c.jid, err)
	}
}

// read returns the next element below the stream.
func (c *client) read() (*element, error) {
	e := &element{}
	return e, stanzatest.Next(c.dec, e)
}

func (c *client) next() *element {
	c.t.Helper()
	e, err := c.read()
	if err != nil {
		c.t.Fatalf("%s: %v", c.jid, err)
	}
	return e
}

// until reads up to the first element that suits and returns what came before.
func (c *client) until(suits func(*element) bool) (before []*element, e *element) {
	c.t.Helper()
	for {
		e := c.next()
		if suits(e) {
			return before, e
		}
		before = append(before, e)
	}
}

func withID(id string) func(*element) bool {
	return func(e *element) bool { return e.attr("id") == id }
}

// sync returns what came before the server had dealt with all that c sent.
func (c *client) sync() []*element {
	c.t.Helper()
	c.n++
	id := fmt.Sprintf("sync-%d", c.n)
	_, domain, _ := strings.Cut(bare(c.jid), "@")
	c.send("<iq type='get' id='%s' to='%s'><x xmlns='urn:example:unknown'/></iq>", id, domain)
	before, _ := c.until(withID(id))
	return before
}

// bare is the account of an address.
func bare(jid string) string {
	account, _, _ := strings.Cut(jid, "/")
	return account
}

// messages keeps the messages of list.
func messages(list []*element) (out []*element) {
	for _, e := range list {
		if e.is("message") {
			out = append(out, e)
		}
	}
	return out
}

var errDisk = errors.New("the disk is on fire")

func newDecoder(r io.Reader) *xml.Decoder { return xml.NewDecoder(r) }
