package standard_test

import (
	"testing"

	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/xep"
	"github.com/xylem-im/xylem/xep/standard"
)

func TestPlays(t *testing.T) { enginetest.Plays(t, standard.Register) }

// Two servers in one process share nothing, so all can be registered again.
func TestRegisterTwice(t *testing.T) {
	var features [2][]string
	for i := range features {
		r := xep.NewRegistry()
		if err := standard.Register(r); err != nil {
			t.Fatal(err)
		}
		r.Freeze()
		features[i] = r.Features(xep.Server)
	}
	if len(features[0]) == 0 || len(features[0]) != len(features[1]) {
		t.Errorf("announced: %q, then %q", features[0], features[1])
	}
}
