package client

import (
	"errors"
	"net"
	"testing"
)

// What others write to a resource that is bound may come before the answer to what was
// asked; before that there is nobody to write to.
func TestRequestPassesOverStanzas(t *testing.T) {
	const header = "<stream:stream xmlns='jabber:client' xmlns:stream='" + nsStream + "' version='1.0'>"
	const before = "<presence from='a@x/b' type='error'/><message from='a@x'><body>enabled</body></message><iq type='get' id='1'/>"
	const enabled = "<enabled xmlns='" + nsManagement + "' id='some' resume='true'/>"
	for _, test := range []struct {
		name, jid, sent string
		refused         bool
	}{
		{"at once", "a@x/c", enabled, false},
		{"after others", "a@x/c", before + enabled, false},
		{"not bound", "", before + enabled, true},
		{"failed", "a@x/c", before + "<failed xmlns='" + nsManagement + "'/>", true},
		{"ended", "a@x/c", before + "</stream:stream>", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			w, peer := pair(t)
			l := &login{Session: &Session{opts: &Options{Resumable: true}, tcp: w, conn: net.Conn(w), JID: test.jid}}
			l.restart()
			if _, err := peer.Write([]byte(header + test.sent)); err != nil {
				t.Fatal(err)
			}
			if err := l.greeted(); err != nil {
				t.Fatal(err)
			}
			if err := l.enable(); errors.Is(err, ErrRefused) != test.refused || !test.refused && (err != nil || l.resume != "some") {
				t.Errorf("%v, resumed by %q", err, l.resume)
			}
		})
	}
}
