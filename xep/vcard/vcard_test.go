package vcard_test

import (
	"strings"
	"testing"

	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/xep"
	"github.com/xylem-im/xylem/xep/vcard"
)

func TestPlays(t *testing.T) {
	enginetest.Plays(t, vcard.New(vcard.Options{MaxBytes: 400}), echoPresence)
}

// echoPresence stands for the extension that broadcasts presence: it gives
// back to a session what would go out, as a message.
func echoPresence(r *xep.Registry) error {
	return r.Presence(func(a *xep.Home, req *xep.Request) {
		var b strings.Builder
		b.WriteString("<message to='" + req.From.String() + "'>")
		b.Write(a.Registry().Stamp(a, req.View, nil))
		b.WriteString("</message>")
		a.Deliver(req.From, []byte(b.String()), nil)
		req.Done()
	})
}
