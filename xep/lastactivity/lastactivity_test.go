package lastactivity_test

import (
	"testing"

	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/xep"
	"github.com/xylem-im/xylem/xep/lastactivity"
)

func TestPlays(t *testing.T) {
	enginetest.Plays(t, lastactivity.New(lastactivity.Options{Started: 1}), friends)
}

// friends lets everybody called friend see the presence of others.
func friends(r *xep.Registry) error {
	return r.Access(func(_ *xep.Home, _ string, who jid.JID, done func(bool)) { done(who.Local() == "friend") })
}

func TestWithoutStartNothingOfTheServer(t *testing.T) {
	r := xep.NewRegistry()
	if err := lastactivity.New(lastactivity.Options{})(r); err != nil {
		t.Fatal(err)
	}
	if f := r.Features(xep.Server); len(f) > 0 {
		t.Errorf("announced: %v", f)
	}
}
