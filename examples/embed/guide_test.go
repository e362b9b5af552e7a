package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/storage/memory"
)

// quiet is an engine.Policy that lets nobody shout.
type quiet struct{}

func (quiet) AllowBind(engine.SessionInfo) error { return nil }

func (quiet) AllowMessage(m engine.MessageView) error {
	body := m.View.Frame.Element().Child(stanza.NSClient, "body").AppendText(nil)
	if len(body) > 0 && strings.ToUpper(string(body)) == string(body) {
		return stanza.Error{Condition: stanza.NotAcceptable, Text: "not so loud"}
	}
	return nil
}

// TestManaged runs the other half of the guide: accounts in a store, a policy,
// a connection without a socket, a stanza from the program itself, Kick.
func TestManaged(t *testing.T) {
	e, err := engine.New(engine.Config{
		Domains:        []string{"localhost"},
		Store:          memory.New(memory.Options{}), // or badger.Open, to keep the accounts
		Policy:         quiet{},
		AllowPlaintext: true,
	})
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
