package engine_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/storage/memory"
)

func TestSmoke(t *testing.T) {
	e, err := engine.New(engine.Config{Domains: []string{"localhost"}, Store: memory.New(memory.Options{}), AllowPlaintext: true, Listeners: []engine.Listener{{Address: "127.0.0.1:0"}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	select {
	case <-e.Ready():
	case err := <-done:
		t.Fatal(err)
	}
	if err := e.Accounts().Create(ctx, jid.MustParse("alice@localhost"), "secret"); err != nil {
		t.Fatal(err)
	}
	c, err := e.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(3 * time.Second))
	_ = bufio.NewReader(c)
	fmt.Fprint(c, `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>`)
	fmt.Fprintf(c, `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'>%s</auth>`, base64.StdEncoding.EncodeToString([]byte("n,,n=alice,r=abcdef")))
	b := make([]byte, 4096)
	for i := 0; i < 3; i++ {
		n, err := c.Read(b)
		t.Log(string(b[:n]), err)
	}
	t.Log(e.Addrs(), e.Stats())
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
