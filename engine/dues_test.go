package engine_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/xep/offline"
)

// Clients that acknowledge nothing are flooded, and all of it falls due for the store
// at once: a loop looks at its input after each few messages of that, and what a user
// sends is delivered before the next ones. Once nobody sends it is the same, and in
// the end all is kept.
func TestInputComesBetweenWhatIsDue(t *testing.T) {
	const stalled, each = 20, 10
	s := serve(t, func(cfg *engine.Config) {
		cfg.Loops, cfg.DurableAck, cfg.Extensions = 1, true, offline.New(offline.Options{})
		withStore(cfg)
	})
	s.create(t, "alice@localhost", "bob@localhost", "flooder@localhost")
	alice := s.attachManaged(t, "alice", "a", nil)
	bob := s.attachManaged(t, "bob", "b", endOfMessage)
	flooder := s.attachManaged(t, "flooder", "f", nil)
	var flood bytes.Buffer
	for i := range stalled {
		user := fmt.Sprintf("stalled%d", i)
		s.create(t, user+"@localhost")
		to := s.attachManaged(t, user, "s", nil)
		for range each {
			fmt.Fprintf(&flood, "<message to='%s'><body>x</body></message>", to.jid)
		}
	}
	s.OnRounds(0, func(r *engine.Rounds) {
		before := s.Stats().StanzasInTotal
		flooder.Send(flood.Bytes())
		for s.Stats().StanzasInTotal < before+stalled*each {
			r.Round()
		}
		r.FallDue()
		sends, sent := true, bob.messages.Load()
		for kept := s.Stats().KeptTotal; kept < stalled*each; sends = !sends {
			if sends && kept < stalled*each/2 {
				alice.Send([]byte("<message to='bob@localhost/b'><body>x</body></message>"))
				sent++
			}
			all := r.Round()
			if got := bob.messages.Load(); all && got != sent {
				t.Errorf("bob has %d messages after a round, want %d: %d are kept", got, sent, kept)
			}
			now := s.Stats().KeptTotal
			if n := now - kept; n > engine.MostKept {
				t.Errorf("%d messages were handed to the store in a round, at most %d", n, engine.MostKept)
			}
			kept = now
		}
	})
}
