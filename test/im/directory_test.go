package im_test

import (
	"maps"
	"testing"

	"github.com/xylem-im/xylem/engine"
)

// An embedding program keeps the accounts, the engine what they own: messages
// wait for those who exist, and only for those.
func TestAccountsOfAnAuthenticator(t *testing.T) {
	secret := engine.MustCredentials("secret")
	lookup := engine.Lookup(func(local, _ string) (*engine.Credentials, error) {
		if local == "alice" || local == "bob" {
			return secret, nil
		}
		return nil, nil
	})
	for name, c := range map[string]struct {
		auth    engine.Authenticator
		missing string
	}{
		"by credentials":   {lookup, "nobody"},
		"by AccountFinder": {finder{lookup, "carol"}, "bob"}, // who may log in, but is said not to exist
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, nil, engine.Config{Auth: c.auth})
			there := "bob"
			if f, own := c.auth.(finder); own {
				there = f.only
			}
			alice := s.login("alice@localhost/a", "")
			for _, user := range []string{there, c.missing} {
				alice.send("<message to='%s@localhost' type='chat' id='to-%s'><body>x</body></message>"+
					"<presence to='%s@localhost' type='subscribe' id='ask-%s'/>", user, user, user, user)
			}
			got := map[string]string{}
			for _, e := range alice.sync() {
				got[e.attr("id")] = e.condition()
			}
			want := map[string]string{"to-" + c.missing: "service-unavailable", "ask-" + c.missing: "item-not-found"}
			for len(got) < len(want) { // whether somebody exists may be answered late
				e := alice.next()
				got[e.attr("id")] = e.condition()
			}
			if !maps.Equal(got, want) {
				t.Errorf("alice got %v, want %v", got, want)
			}
			if there == "bob" {
				bob := s.login("bob@localhost/b", "<presence/>")
				if _, e := bob.until(withID("to-bob")); e.child("body").Text != "x" || e.child("delay").attr("stamp") == "" {
					t.Errorf("bob got %s", e)
				}
			}
		})
	}
}

// finder says that one account exists, and no other.
type finder struct {
	engine.Lookup
	only string
}

func (f finder) Exists(local, _ string, done func(bool, error)) { go done(local == f.only, nil) }
