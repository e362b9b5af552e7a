package engine_test

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A socket is reported once for what it has: nothing is left in it for all that.

// TestInputOfSeveralReads: what is more than one read takes lies there before the first.
func TestInputOfSeveralReads(t *testing.T) {
	s := serve(t, nil)
	alice, bob := s.login(t, "tcp", "alice", "a"), s.login(t, "tcp", "bob", "b")
	const messages, size, buffer = 40, 3 << 10, 200 << 10 // of the system, for either side
	conn := alice.conn.(*net.TCPConn)
	if err := conn.SetWriteBuffer(buffer); err != nil {
		t.Fatal(err)
	}
	if err := unix.SetsockoptInt(serverEnd(t, conn.LocalAddr().(*net.TCPAddr)), unix.SOL_SOCKET, unix.SO_RCVBUF, buffer); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for i := range messages {
		fmt.Fprintf(&all, "<message to='%s' id='%d'><body>%s</body></message>", bob.jid, i, strings.Repeat("x", size))
	}
	release := s.Stall(s.LoopOf(alice.jid))
	alice.send("%s", all.String())
	release()
	for i := range messages {
		if n := bob.expect("message"); n.attr("id") != fmt.Sprint(i) || len(n.child("body").Text) != size {
			t.Fatalf("message %d: %.200s", i, n)
		}
	}
}

// TestLastInput: a peer sends something and ends its side, before either is looked at.
func TestLastInput(t *testing.T) {
	s := serve(t, nil)
	alice, bob := s.login(t, "tcp", "alice", "a"), s.login(t, "tcp", "bob", "b")
	release := s.Stall(s.LoopOf(alice.jid))
	alice.send("<message to='%s' id='last'/>", bob.jid)
	if err := alice.conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	release()
	if n := bob.expect("message"); n.attr("id") != "last" {
		t.Fatalf("got %s", n)
	}
	alice.expectClosed()
}
