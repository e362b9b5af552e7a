package s2s_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/xylem-im/xylem/s2s"
	"github.com/xylem-im/xylem/stanza"
)

func TestCulprit(t *testing.T) {
	waiting := [][]byte{[]byte("<a/>"), []byte("<large/>"), []byte("<b/>")}
	ended := func(c stanza.StreamCondition) error { return fmt.Errorf("stream: %w", stanza.PeerError{Condition: c}) }
	for _, c := range []struct {
		name    string
		reason  error
		unacked [][]byte
		want    int
	}{
		{"too large", ended(stanza.StreamPolicyViolation), waiting, 1},
		{"not understood", ended(stanza.StreamNotWellFormed), waiting, 0},
		{"a fault of the peer's", ended(stanza.StreamInternalServerError), waiting, 0},
		{"restart", ended(stanza.StreamSystemShutdown), waiting, -1},
		{"reset", ended(stanza.StreamReset), waiting, -1},
		{"lost", errors.New("connection reset"), waiting, -1},
		{"closed", nil, waiting, -1},
		{"nothing waits", ended(stanza.StreamPolicyViolation), nil, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := s2s.Culprit(c.reason, c.unacked); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}
