package engine

import (
	"testing"
	"unsafe"

	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/session"
)

// A connection is four whole lines of the cache, and what a message to it needs is the
// first two. Objects of 256 bytes begin with a line.
func TestConnectionsAreLines(t *testing.T) {
	var c conn
	if size := unsafe.Sizeof(c); size != 4*cacheLine {
		t.Errorf("%d bytes", size)
	}
	if at := unsafe.Offsetof(c.session); at != cacheLine || at+session.Hot > 2*cacheLine {
		t.Errorf("the session begins at byte %d, and %d bytes of it are needed", at, session.Hot)
	}
}

// Whose look-up is read ahead is guessed without a parser, and from any input.
func TestLookAhead(t *testing.T) {
	e := &Engine{table: routing.NewTable()}
	d, _ := e.table.AddDomain("localhost")
	d.Bind("bob", "r", 1)
	l := &loop{engine: e}
	for in, want := range map[string]int{
		`<message to='bob@localhost' type='chat'><body>hi</body></message>`: 1,
		`<message type="chat" to="bob@localhost/phone">`:                    1,
		`<presence/>`:                            0,
		`<iq type='get' to='localhost'>`:         0,
		`<message to='bob@elsewhere'>`:           0,
		`<message to='bob@localh`:                0,
		`<message to=`:                           0,
		`<message to='`:                          0,
		`<message to='@localhost'>`:              1, // nobody, but what is read ahead may be nothing
		`<message to='localhost/bob@localhost'>`: 1,
		``:                                       0,
	} {
		var w warmth
		if l.lookAhead(&w, []byte(in)); w.lookUps != want {
			t.Errorf("%q: %d look-ups, want %d", in, w.lookUps, want)
		}
	}
}
