package engine_test

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/xylem-im/xylem/engine"
)

// slowCases are clients that stop before they are logged in.
var slowCases = []struct {
	name, transport string
	at              stage
	send            string
	header          bool // the server's header has not come before
}{
	{"says nothing", "pipe", connected, "", true},
	{"says nothing over TCP", "tcp", connected, "", true},
	{"says nothing inside TLS", "tls", connected, "", true},
	{"begins a header", "tcp", connected, "<stream:str", true},
	{"sends white space", "tcp", connected, "   ", true},
	{"stays at the features", "tcp", opened, "", false},
	{"stays in the middle of SASL", "tls", opened, "<auth xmlns='" + nsSASL + "' mechanism='SCRAM-SHA-1'/>", false},
	{"begins an element", "tcp", opened, "<auth xmlns='", false},
	{"does not open the stream again", "tcp", authenticated, "", false},
	{"does not bind", "pipe", binding, "", false},
	{"sends white space instead of binding", "pipe", binding, " ", false},
}

func TestSlowClientsTimeOut(t *testing.T) {
	t.Parallel()
	s := serve(t, func(cfg *engine.Config) {
		cfg.Auth = newAccounts("mallory", "alice", "bob")
		cfg.Limits.PreAuthTime = 5 * time.Second // each must have come as far as it shall when it is over
	})
	witness := s.login(t, "pipe", "bob", "")
	clients := make([]*client, len(slowCases)) // all at once: they wait together
	for i, c := range slowCases {
		clients[i] = s.connect(t, c.transport)
		clients[i].reach(c.at)
		clients[i].send("%s", c.send)
	}
	silent, err := net.Dial("tcp", s.addr("tls"))
	if err != nil {
		t.Fatal(err)
	}
	handshaking := s.connect(t, "tcp")
	handshaking.open()
	handshaking.send("<starttls xmlns='%s'/>", nsTLS)
	handshaking.expect("proceed")
	handshaking.send("\x16\x03\x01\x00\xff\x01")

	for i, c := range slowCases {
		t.Run(c.name, func(t *testing.T) {
			slow := clients[i]
			slow.renew(t)
			n := slow.next()
			if n.XMLName.Local == "challenge" {
				n = slow.next()
			}
			if n.child("connection-timeout").XMLName.Space != nsStreams {
				t.Fatalf("got %s", n)
			}
			if c.header && slow.header.Name.Local != "stream" {
				t.Error("no header before the stream error")
			}
			slow.expectEnd()
		})
	}
	t.Run("does not begin the TLS handshake", func(t *testing.T) { newClient(t, silent).expectCut() })
	t.Run("stays in the middle of the TLS handshake", func(t *testing.T) {
		handshaking.renew(t)
		handshaking.expectCut()
	})
	witness.renew(t)
	s.stillServes(t, "tcp", witness)
	witness.chats(witness, "logged in, and therefore not timed out")
}

// expectCut takes the end of the connection, however it came.
func (c *client) expectCut() {
	c.t.Helper()
	_, err := io.Copy(io.Discard, c.r)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		c.t.Fatal("the connection stays open")
	}
}
