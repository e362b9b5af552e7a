package contactinfo_test

import (
	"testing"

	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/xep"
	"github.com/xylem-im/xylem/xep/contactinfo"
	"github.com/xylem-im/xylem/xep/disco"
)

func TestPlays(t *testing.T) {
	enginetest.Plays(t, disco.New(disco.Options{}), contactinfo.New(contactinfo.Options{
		Abuse: []string{"mailto:abuse@example.org", "xmpp:abuse@example.org"},
		Admin: []string{"mailto:admin@example.org?subject=a&b"},
	}))
}

func TestNothingConfiguredNothingAnnounced(t *testing.T) {
	r := xep.NewRegistry()
	if err := contactinfo.New(contactinfo.Options{})(r); err != nil {
		t.Fatal(err)
	}
	if forms := r.Forms(xep.Server); len(forms) > 0 {
		t.Errorf("announced: %v", forms)
	}
}
