package engine_test

import (
	"context"
	"fmt"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/storage/memory"
)

// A server in the program's own process, with its accounts in memory.
func ExampleNew() {
	e, err := engine.New(engine.Config{
		Domains:   []string{"localhost"},
		Listeners: []engine.Listener{{Address: "127.0.0.1:0"}},
		Store:     memory.New(memory.Options{}),

		AllowPlaintext: true, // for a demonstration on loopback; others set Certificates
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	select {
	case <-e.Ready():
	case err := <-ended:
		fmt.Println(err)
		return
	}
	if err := e.Accounts().Create(ctx, jid.MustParse("alice@localhost"), "secret"); err != nil {
		fmt.Println(err)
	}
	fmt.Println(len(e.Addrs()), e.Stats().Domains)
	stop()
	fmt.Println(<-ended)
	// Output:
	// 1 1
	// <nil>
}

// New checks all of a configuration at once.
func ExampleNew_faults() {
	_, err := engine.New(engine.Config{Domains: []string{"no domain"}, Loops: -1, Store: memory.New(memory.Options{})})
	fmt.Println(err)
	// Output:
	// engine: Loops: -1 is out of range, want 0 to 1024
	// engine: Certificates is nil and AllowPlaintext is not set: nobody could log in
	// engine: Domains: "no domain": jid: invalid domain name (domainpart)
}
