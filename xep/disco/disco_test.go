package disco_test

import (
	"testing"

	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/xep"
	"github.com/xylem-im/xylem/xep/disco"
)

func TestPlays(t *testing.T) {
	enginetest.Plays(t, disco.New(disco.Options{Name: "a <test>"}), friends, extras)
}

// friends lets everybody called friend see the presence of others.
func friends(r *xep.Registry) error {
	return r.Access(func(_ *xep.Home, _ string, who jid.JID, done func(bool)) { done(who.Local() == "friend") })
}

// extras are what another extension might announce.
func extras(r *xep.Registry) error {
	r.Feature(xep.Server, "urn:example:z", "urn:example:a", "urn:example:a")
	r.Form(xep.Form{Target: xep.Server, Type: "urn:example:form", Fields: []xep.Field{
		{Name: "list", Type: "list-multi", Values: []string{"one", "<two>"}},
	}})
	r.AtFreeze(func(r *xep.Registry) { r.Node(xep.Server, "urn:example#node") })
	return nil
}
