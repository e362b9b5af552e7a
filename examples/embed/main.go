// Command embed is a chat server in a short program: it decides itself who may
// log in, and sees every message. docs/embedding.md explains it part by part.
//
//	go run ./examples/embed    # alice@localhost and bob@localhost, password "secret"
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"

	"github.com/xylem-im/xylem/engine"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := serve(ctx, "127.0.0.1:5222", os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// serve runs until ctx is done, and tells out where it listens and what is said.
func serve(ctx context.Context, address string, out io.Writer) error {
	secret := engine.MustCredentials("secret")
	users := map[string]*engine.Credentials{"alice@localhost": secret, "bob@localhost": secret}
	return engine.Serve(ctx, engine.Config{
		Domains:        []string{"localhost"},
		Listeners:      []engine.Listener{{Address: address}},
		AllowPlaintext: true, // for a demonstration on loopback; others set Certificates
		Auth: engine.Lookup(func(local, domain string) (*engine.Credentials, error) {
			return users[local+"@"+domain], nil
		}),
		Hooks: engine.Hooks{
			Ready:   func(at []engine.Addr) { fmt.Fprintln(out, "listening on", at[0].Addr) },
			Message: func(m engine.MessageView) { fmt.Fprintf(out, "%s to %s: %s\n", m.From, m.To, m.Body()) },
		},
	})
}
