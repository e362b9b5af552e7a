// Command embed is the smallest useful program around package engine: a chat
// server with its own idea of who may log in, which sees every message.
//
//	go run ./examples/embed    # users alice@localhost and bob@localhost, password "secret"
//
// docs/embedding.md explains it part by part.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/session/sasl"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	news := make(chan string, 64)
	go func() {
		for line := range news {
			fmt.Println(line)
		}
	}()
	if err := run(ctx, "127.0.0.1:5222", news); err != nil {
		fmt.Fprintln(os.Stderr, "embed:", err)
		os.Exit(1)
	}
}

// run serves at address until ctx is done and tells news where it listens and
// what is said.
func run(ctx context.Context, address string, news chan<- string) error {
	users, err := newUsers("secret", "alice@localhost", "bob@localhost")
	if err != nil {
		return err
	}
	e, err := engine.New(engine.Config{
		Domains:        []string{"localhost"},
		Listeners:      []engine.Listener{{Address: address}},
		AllowPlaintext: true, // for a demonstration on loopback; others set Certificates
		Auth:           users,
		Hooks: engine.Hooks{Message: func(m engine.MessageView) {
			line := fmt.Sprintf("%s -> %s: %d bytes", m.From, m.To, len(m.View.Frame.Raw()))
			select { // a hook runs on an event loop and may not wait
			case news <- line:
			default:
			}
		}},
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-e.Ready():
			news <- fmt.Sprint("listening on ", e.Addrs()[0].Addr)
		case <-ctx.Done():
		}
	}()
	return e.Run(ctx)
}

// users is an engine.Authenticator over a map of bare JIDs.
type users struct {
	known map[string]*sasl.Credentials
	check sasl.Config // its Verify costs as much for users that do not exist
}

func newUsers(password string, names ...string) (*users, error) {
	u := &users{known: map[string]*sasl.Credentials{}}
	for _, name := range names {
		creds, err := sasl.Derive(password, sasl.DefaultIterations, nil)
		if err != nil {
			return nil, err
		}
		u.known[name] = &creds
	}
	return u, nil
}

// Credentials answers SCRAM. It is called on an event loop: a map may answer
// at once, a directory server would be asked on a goroutine.
func (u *users) Credentials(local, domain string, done func(*sasl.Credentials, error)) {
	done(u.known[local+"@"+domain], nil)
}

// Verify answers PLAIN, which clients are offered inside TLS only, at the price
// of one hash of milliseconds: not on the loop.
func (u *users) Verify(local, domain, password string, done func(bool, error)) {
	go func() { done(u.check.Verify(u.known[local+"@"+domain], local, password), nil) }()
}
