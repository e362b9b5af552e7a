package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/xylem-im/xylem/engine"
)

// A client that sends faster than it may is read more slowly, and nothing else
// happens to it: all arrives, in order, and takes its time.
func TestClientIsHeldBack(t *testing.T) {
	t.Parallel()
	const stanzas, perSecond = 60, 40
	for _, transport := range []string{"tcp", "tls", "pipe"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			for name, change := range map[string]func(*engine.Limits){
				"stanzas": func(l *engine.Limits) { l.StanzasPerSecond = perSecond },
				"bytes":   func(l *engine.Limits) { l.BytesPerSecond = perSecond * 2000 },
			} {
				s := serve(t, func(cfg *engine.Config) {
					cfg.Auth = newAccounts("alice", "bob")
					change(&cfg.Limits)
				})
				bob := s.login(t, "pipe", "bob", "b")
				alice := s.login(t, transport, "alice", "a")
				began := time.Now()
				var all strings.Builder
				for i := range stanzas {
					fmt.Fprintf(&all, "<message to='%s' id='%d'><body>%s</body></message>", bob.jid, i, strings.Repeat("x", 1930))
				}
				alice.send("%s", all.String())
				for i := range stanzas {
					if id := bob.expect("message").attr("id"); id != fmt.Sprint(i) {
						t.Fatalf("%s: got %s, want %d", name, id, i)
					}
				}
				// What is above one second's worth takes its time, less what login left of it.
				took := time.Since(began)
				if took < 250*time.Millisecond {
					t.Errorf("%s: %d stanzas took %v", name, stanzas, took)
				}
				if s.Stats().ThrottledTotal == 0 && took < time.Second { // on a slow machine it may keep to the pace by itself
					t.Errorf("%s: not throttled in %v", name, took)
				}
				alice.send("<message to='%s' id='after'/>", bob.jid)
				if id := bob.expect("message").attr("id"); id != "after" {
					t.Errorf("%s: got %s afterwards", name, id)
				}
			}
		})
	}
}

// A client that is held back is not taken for one that has gone, and one that
// closes meanwhile is closed.
func TestClientThatIsHeldBackCloses(t *testing.T) {
	t.Parallel()
	s := serve(t, func(cfg *engine.Config) { cfg.Limits.StanzasPerSecond = 10 })
	alice := s.login(t, "tcp", "alice", "a")
	alice.send("%s", strings.Repeat("<message to='nobody@localhost' type='headline'/>", 40)+"</stream:stream>")
	alice.expectEnd()
	if s.Stats().ThrottledTotal == 0 {
		t.Error("not throttled")
	}
}
