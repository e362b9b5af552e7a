package main

import (
	"bufio"
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/engine/hugepages"
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/storage/memory"
	"github.com/xylem-im/xylem/xep"
	"github.com/xylem-im/xylem/xep/disco"
	"github.com/xylem-im/xylem/xep/ping"
	"github.com/xylem-im/xylem/xep/roster"
)

// quiet is an engine.Policy that lets nobody shout.
type quiet struct{}

func (quiet) AllowBind(engine.SessionInfo) error { return nil }

func (quiet) AllowMessage(m engine.MessageView) error {
	if body := m.Body(); body != "" && strings.ToUpper(body) == body {
		return stanza.Error{Condition: stanza.NotAcceptable, Text: "not so loud"}
	}
	return nil
}

// directory is an engine.Authenticator for users who are kept elsewhere.
type directory struct {
	slots chan struct{} // bounds the questions that run at a time
	ask   func(local, domain, password string) (bool, error)
	known func(local, domain string) (bool, error)
}

// Credentials answers SCRAM: the directory gives none away, so nobody gets in by it.
func (d directory) Credentials(_, _ string, done func(*engine.Credentials, error)) {
	done(nil, nil)
}

// Verify answers PLAIN, which clients are offered inside TLS only.
func (d directory) Verify(local, domain, password string, done func(bool, error)) {
	go func() {
		d.slots <- struct{}{}
		ok, err := d.ask(local, domain, password)
		<-d.slots
		done(ok, err)
	}()
}

// Exists tells whom messages are kept for: SCRAM's lookup finds nobody here.
func (d directory) Exists(local, domain string, done func(bool, error)) {
	go func() { done(d.known(local, domain)) }()
}

// TestDirectory asks a directory as the engine would.
func TestDirectory(t *testing.T) {
	known := func(local, domain string) (bool, error) { return local == "alice" && domain == "localhost", nil }
	var auth engine.Authenticator = directory{make(chan struct{}, 1), func(local, domain, password string) (bool, error) {
		ok, err := known(local, domain)
		return ok && password == "secret", err
	}, known}
	exists := make(chan bool)
	auth.(engine.AccountFinder).Exists("mallory", "localhost", func(ok bool, err error) { exists <- ok || err != nil })
	if <-exists {
		t.Error("mallory exists")
	}
	answers := make(chan bool)
	for _, c := range []struct {
		password string
		want     bool
	}{{"secret", true}, {"guess", false}} {
		auth.(engine.PasswordVerifier).Verify("alice", "localhost", c.password, func(ok bool, err error) { answers <- ok && err == nil })
		if got := <-answers; got != c.want {
			t.Errorf("%s: %t", c.password, got)
		}
	}
}

// TestManaged runs the other half of the guide: accounts in a store, a policy,
// a connection without a socket, a stanza from the program itself, Kick.
func TestManaged(t *testing.T) {
	said := make(chan string, 64)
	e, err := engine.New(engine.Config{
		Domains:        []string{"localhost"},
		Store:          memory.New(memory.Options{}), // or badger.Open, to keep the accounts
		Policy:         quiet{},
		AllowPlaintext: true,
		Hooks: engine.Hooks{Message: func(m engine.MessageView) {
			select { // what reads them may be slow, and a loop may not wait
			case said <- fmt.Sprint(m.From, ": ", m.Body()):
			default: // and what it has no time for is lost to it
			}
		}},
		Extensions: func(r *xep.Registry) error {
			return errors.Join(disco.New(disco.Options{})(r), ping.Register(r), roster.New(roster.Options{})(r))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	go hugepages.Keep(ctx, nil) // package engine/hugepages
	ended := make(chan error, 1)
	go func() { ended <- e.Run(context.Background()) }()
	select {
	case <-e.Ready():
	case err := <-ended:
		t.Fatal(err)
	}
	err = e.Accounts().Create(t.Context(), jid.MustParse("alice@localhost"), "secret")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := e.Pipe() // a net.Conn to the server, without a socket
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	alice := &client{t: t, conn: conn}
	alice.open()
	alice.login(sasl.SCRAMSHA256, "alice", "phone")

	alice.send(`<message to='alice@localhost/phone' type='chat' id='loud'><body>HELLO</body></message>`)
	if got := alice.next(); got.ID != "loud" || got.Type != "error" {
		t.Errorf("after shouting: %+v", got)
	}
	if got := receive(t, said); got != "alice@localhost/phone: HELLO" {
		t.Errorf("the hook told %q", got)
	}
	err = e.Inject([]byte("<message from='localhost' to='alice@localhost/phone' id='news'><body>Hi</body></message>"))
	if err != nil {
		t.Fatal(err)
	}
	if got := alice.next(); got.From != "localhost" || got.ID != "news" || got.Body != "Hi" {
		t.Errorf("injected: %+v", got)
	}
	closed := e.Kick("alice@localhost", stanza.StreamError{Condition: stanza.StreamPolicyViolation})
	if got := alice.next(); closed != 1 || got.XMLName.Local != "error" {
		t.Errorf("Kick closed %d and alice got %+v", closed, got)
	}
	if err := conn.Close(); err != nil { // else the server waits a while for her end
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := errors.Join(e.Shutdown(ctx), <-ended); err != nil {
		t.Fatal(err)
	}
}

// TestService runs a service with a domain of its own in the program itself: it
// proves that it knows the secret, and gets what is sent to its domain.
func TestService(t *testing.T) {
	const secret = "a secret of the bot"
	cfg := engine.Config{Auth: directory{}, AllowPlaintext: true}
	cfg.Components = []engine.Component{{Domain: "bot.example.org", Secret: secret}}
	e, err := engine.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- e.Run(context.Background()) }()
	select {
	case <-e.Ready():
	case err := <-ended:
		t.Fatal(err)
	}
	conn, err := e.PipeComponent() // or a Listener of RoleComponent for other processes
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	until := func(part string) string {
		var got strings.Builder
		for !strings.HasSuffix(got.String(), part) {
			b, err := in.ReadByte()
			if err != nil {
				t.Fatalf("%v after %q", err, got.String())
			}
			got.WriteByte(b)
		}
		return got.String()
	}
	fmt.Fprint(conn, "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='bot.example.org'>")
	until("id='")
	id := strings.TrimSuffix(until("'"), "'")
	until(">")
	fmt.Fprintf(conn, "<handshake>%x</handshake>", sha1.Sum([]byte(id+secret)))
	until("<handshake/>")
	err = e.Inject([]byte("<message from='bot.example.org' to='clock@bot.example.org'><body>What time is it?</body></message>"))
	if err != nil {
		t.Fatal(err)
	}
	until("<body>What time is it?</body></message>")
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := errors.Join(e.Shutdown(ctx), <-ended); err != nil {
		t.Fatal(err)
	}
}

// TestGuide keeps docs/embedding.md true: each of its Go blocks stands in a
// file of this folder, indentation aside.
func TestGuide(t *testing.T) {
	var code []string
	for _, name := range []string{"main.go", "guide_test.go"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		code = append(code, flat(string(text)))
	}
	guide, err := os.ReadFile(filepath.Join("..", "..", "docs", "embedding.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(guide), -1)
	if len(blocks) < 5 {
		t.Fatalf("found %d blocks of Go in the guide", len(blocks))
	}
	for i, b := range blocks {
		want := flat(b[1])
		if !strings.Contains(code[0], want) && !strings.Contains(code[1], want) {
			t.Error(fmt.Sprintf("block %d of the guide is not compiled here:\n", i+1) + b[1])
		}
	}
}

// flat is text without indentation.
func flat(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "\n")
}
