package xep_test

import (
	"errors"
	"testing"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// What only one extension may claim is refused to the second one.
func TestTakenOnce(t *testing.T) {
	for name, claim := range map[string]func(*xep.Registry) error{
		"IQ": func(r *xep.Registry) error {
			return r.IQ(xep.IQ{Get: true, Namespace: "urn:x", Name: "x", Handle: func(*xep.Home, *xep.Request) {}})
		},
		"Presence": func(r *xep.Registry) error { return r.Presence(func(*xep.Home, *xep.Request) {}) },
		"Offline": func(r *xep.Registry) error {
			return r.Offline(func(*xep.Home, *xep.Request, stanza.Condition) {})
		},
		"Hold": func(r *xep.Registry) error {
			return r.Hold(func(*xep.Home, *xep.Request, []xep.Resource) bool { return false })
		},
		"StanzaIDs": func(r *xep.Registry) error {
			return r.StanzaIDs(func(xep.Host, jid.View, *stanza.View) string { return "" })
		},
		"Access": func(r *xep.Registry) error { return r.Access(func(*xep.Home, string, jid.JID, func(bool)) {}) },
		"WatchersAre": func(r *xep.Registry) error {
			return r.WatchersAre(func(*xep.Home, func([]jid.JID)) {})
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := xep.NewRegistry()
			if err := claim(r); err != nil {
				t.Fatalf("first: %v", err)
			}
			if err := claim(r); !errors.Is(err, xep.ErrTaken) {
				t.Errorf("second: %v, want ErrTaken", err)
			}
		})
	}
}
