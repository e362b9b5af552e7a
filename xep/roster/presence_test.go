package roster_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
	"github.com/xylem-im/xylem/xep/roster"
)

// everyState stores one contact in each state of Appendix A.1.
func everyState(h *host) {
	for name, s := range states() {
		if s != roster.None {
			h.put(user, roster.CollectionItems, nodeOf(name)+"@example.com", roster.Stored(s, ""))
		}
	}
}

func nodeOf(state string) string {
	return strings.NewReplacer(" ", "", "+", "-").Replace(strings.ToLower(state))
}

func TestRFC6121_4_2_2_InitialPresenceGoesToContactsWithFromOrBoth(t *testing.T) {
	h := newHost(t, roster.Options{})
	everyState(h)
	ref := h.open(user+"/r", 1)
	h.send(ref, "<presence from='"+user+"/r'><show>chat</show></presence>")
	want := []string{user, "both@example.com", "from-pendingout@example.com", "from@example.com"}
	if got := h.told("<show>chat</show>"); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	if len(h.casts) != 1 || h.casts[0].stanza != "<presence from='alice@example.com/r'{to}><show>chat</show></presence>" {
		t.Errorf("rendered %v", h.casts)
	}
	h.forget()
	h.close(ref)
	if got := h.told("type='unavailable'"); !slices.Equal(got, want) {
		t.Errorf("at the end told %q, want %q", got, want)
	}
}

func TestRFC6121_4_3_1_ProbesGoToContactsWithToOrBoth(t *testing.T) {
	h := newHost(t, roster.Options{})
	for name, s := range states() {
		if s != roster.None {
			h.put(user, roster.CollectionItems, nodeOf(name)+"@remote.example", roster.Stored(s, ""))
		}
	}
	ref := h.open(user+"/r", 1)
	h.send(ref, "<presence from='"+user+"/r'/>")
	var probed []string
	for _, st := range h.routed {
		if strings.Contains(st, "type='probe'") {
			probed = append(probed, st)
		}
	}
	if len(probed) != 3 || !has(probed, "from='"+user+"'", "to='to@remote.example'") ||
		!has(probed, "to='to-pendingin@remote.example'") || !has(probed, "to='both@remote.example'") {
		t.Errorf("probed %q", probed)
	}
	h.forget()
	h.send(ref, "<presence from='"+user+"/r'><show>away</show></presence>")
	if has(h.routed, "type='probe'") {
		t.Error("an update probes again")
	}
}

func TestRFC6121_4_3_2_ProbeIsAnsweredOutOfTheContactsState(t *testing.T) {
	h := newHost(t, roster.Options{})
	everyState(h)
	h.send(h.open(user+"/r", 1), "<presence from='"+user+"/r' id='p'><show>dnd</show></presence>")
	h.open(user+"/quiet", 2)
	for name := range states() {
		h.forget()
		from := nodeOf(name) + "@example.com"
		h.serve(user, xep.SessionRef{}, "<presence from='"+from+"' to='"+user+"' type='probe'/>")
		answer := "type='unsubscribed'"
		if strings.HasPrefix(name, "From") || name == "Both" {
			answer = "<show>dnd</show>"
		}
		if len(h.routed) != 1 || !has(h.routed, answer, "to='"+from+"'") {
			t.Errorf("%s: answered %q", name, h.routed)
		}
	}
}

func TestRFC6121_4_3_2_ProbeOfAnAccountWithoutAvailableResources(t *testing.T) {
	h := newHost(t, roster.Options{})
	h.put(user, roster.CollectionItems, contact, roster.Stored(roster.Both, ""))
	h.serve(user, xep.SessionRef{}, "<presence from='"+contact+"' to='"+user+"' type='probe'/>")
	if len(h.routed) != 1 || !has(h.routed, "from='"+user+"'", "to='"+contact+"'", "type='unavailable'") {
		t.Errorf("answered %q", h.routed)
	}
}

// One resource is all that a probe to its address tells of, and that it is there
// all that it tells.
func TestRFC6121_4_3_2_ProbeOfOneResource(t *testing.T) {
	h := newHost(t, roster.Options{})
	h.put(user, roster.CollectionItems, contact, roster.Stored(roster.From, ""))
	h.send(h.open(user+"/r", 1), "<presence from='"+user+"/r' id='p'><show>xa</show></presence>")
	h.send(h.open(user+"/other", 2), "<presence from='"+user+"/other'/>")
	for _, c := range []struct{ resource, want string }{
		{"", "<presence from='" + user + "/r' to='" + contact + "' id='p'><show>xa</show></presence>" +
			"<presence from='" + user + "/other' to='" + contact + "'/>"},
		{"/r", "<presence from='" + user + "/r' to='" + contact + "'/>"},
		{"/gone", "<presence from='" + user + "/gone' to='" + contact + "' type='unavailable' id='1'/>"},
	} {
		h.forget()
		h.serve(user, xep.SessionRef{}, "<presence from='"+contact+"' to='"+user+c.resource+"' type='probe' id='1'/>")
		if got := strings.Join(h.routed, ""); got != c.want {
			t.Errorf("%q: routed %s", c.resource, got)
		}
	}
}

// Who got directed presence of one resource may ask whether that is still there.
func TestRFC6121_4_6_6_ServerProcessingOfPresenceProbes(t *testing.T) {
	h := newHost(t, roster.Options{})
	ref := h.open(user+"/r", 1)
	h.send(ref, "<presence from='"+user+"/r'><show>xa</show></presence>")
	h.send(h.open(user+"/other", 2), "<presence from='"+user+"/other'/>")
	h.send(ref, "<presence from='"+user+"/r' to='room@example.org/nick'><show>xa</show></presence>")
	ask := func(from, to string) string {
		h.forget()
		h.serve(user, xep.SessionRef{}, "<presence from='"+from+"' to='"+to+"' type='probe' id='1'/>")
		return strings.Join(h.routed, "")
	}
	there := "<presence from='" + user + "/r' to='room@example.org/nick'/>"
	no := "<presence from='" + user + "' to='room@example.org' type='unsubscribed' id='1'/>"
	for _, c := range []struct{ from, to, want string }{
		{"room@example.org/nick", user + "/r", there},
		{"room@example.org/nick", user, there},
		{"room@example.org/nick", user + "/other", no},
		{"room@example.org/someone", user + "/r", no},
	} {
		if got := ask(c.from, c.to); got != c.want {
			t.Errorf("%s asks for %s: %s, want %s", c.from, c.to, got, c.want)
		}
	}
	h.close(ref)
	if got := ask("room@example.org/nick", user+"/r"); got != no {
		t.Errorf("after the end: %s", got)
	}
}

// A contact on this server is asked at its home, and says who is no
// subscriber of it.
func TestContactOnThisServerAnswersAtItsHome(t *testing.T) {
	h := newHost(t, roster.Options{})
	h.put(user, roster.CollectionItems, contact, roster.Stored(roster.To, ""))
	h.put(contact, roster.CollectionItems, user, roster.Stored(roster.From, ""))
	h.put(user, roster.CollectionItems, "carol@example.com", roster.Stored(roster.To, ""))
	h.put(user, roster.CollectionItems, "away@example.com", roster.Stored(roster.To, ""))
	h.send(h.open(contact+"/r", 1), "<presence from='"+contact+"/r'><show>xa</show></presence>")
	h.send(h.open("carol@example.com/r", 2), "<presence from='carol@example.com/r'/>")
	h.forget()
	ref := h.open(user+"/r", 3)
	h.send(ref, "<presence from='"+user+"/r'/>")
	if got := h.delivered[ref.JID]; len(got) != 1 || !has(got, "from='"+contact+"/r'", "to='"+user+"/r'", "<show>xa</show>") {
		t.Errorf("delivered %q", got)
	}
	if len(h.routed) != 1 || !has(h.routed, "from='carol@example.com'", "to='"+user+"'", "type='unsubscribed'") {
		t.Errorf("routed %q", h.routed)
	}
}

func TestSessionThatTookTheResourceOver(t *testing.T) {
	h := newHost(t, roster.Options{})
	first := h.open(user+"/r", 1)
	h.send(first, "<presence from='"+user+"/r'/>")
	second := first
	second.ID = 2
	a := h.home(user)
	a.Enter(second)
	h.registry.SessionOpened(a, second, func() {})
	h.send(second, "<presence from='"+user+"/r'><show>away</show></presence>")
	h.forget()
	a.Leave(first)
	h.registry.SessionClosed(a, first)
	if got := h.told("unavailable"); len(got) != 0 {
		t.Errorf("%q heard that the resource is gone", got)
	}
	h.close(second)
	if got := h.told("unavailable"); !slices.Equal(got, []string{user}) {
		t.Errorf("told %q", got)
	}
}

func TestSessionEndsWhileItsPresenceWaitsForTheStore(t *testing.T) {
	h := newHost(t, roster.Options{})
	ref := h.open(user+"/r", 1)
	h.submit(user, ref, "<presence from='"+user+"/r'/>")
	h.submit(user, ref, "<presence from='"+user+"/r' to='"+contact+"'/>")
	h.close(ref)
	if len(h.casts) != 0 || len(h.routed) != 0 || h.done != 2 {
		t.Errorf("told %v, routed %q, %d requests ended", h.casts, h.routed, h.done)
	}
}

func TestRFC6121_4_6_3_DirectedPresenceEndsWithTheSession(t *testing.T) {
	h := newHost(t, roster.Options{Directed: 2})
	h.put(user, roster.CollectionItems, contact, roster.Stored(roster.From, ""))
	ref := h.open(user+"/r", 1)
	direct := func(to, typ string) { h.send(ref, "<presence from='"+user+"/r' to='"+to+"'"+typ+"/>") }
	h.send(ref, "<presence from='"+user+"/r'/>")
	direct(contact+"/x", "") // hears the broadcast anyway, and does not count
	direct("room@example.org/nick", "")
	direct("room@example.org/nick", "")
	direct("other@example.org", "")
	direct("third@example.org", "")
	if len(h.replies) != 1 || !has(h.replies, "resource-constraint", "from='third@example.org'") {
		t.Fatalf("answered %q", h.replies)
	}
	direct("other@example.org", " type='unavailable'")
	direct("third@example.org", "")
	h.forget()
	h.close(ref)
	if len(h.routed) != 2 || !has(h.routed, "to='room@example.org/nick'", "type='unavailable'") ||
		!has(h.routed, "to='third@example.org'", "type='unavailable'") {
		t.Errorf("routed %q", h.routed)
	}
}

func TestLongPresenceIsRefused(t *testing.T) {
	h := newHost(t, roster.Options{PresenceBytes: 200})
	ref := h.open(user+"/r", 1)
	long := "<status>" + strings.Repeat("x", 200) + "</status></presence>"
	h.send(ref, "<presence from='"+user+"/r'>"+long)
	h.send(ref, "<presence from='"+user+"/r' type='unavailable'>"+long)
	if len(h.replies) != 2 || !has(h.replies, "policy-violation") || len(h.casts) != 0 {
		t.Errorf("answered %q, told %v", h.replies, h.casts)
	}
}

// What other extensions add reaches subscribers, addressees and probes.
func TestStampedPresence(t *testing.T) {
	stamp := func(r *xep.Registry) error {
		r.StampPresence(func(_ *xep.Home, _ *stanza.View, dst []byte) []byte { return append(dst, "<x xmlns='urn:x'/>"...) })
		return nil
	}
	h := newHost(t, roster.Options{}, stamp)
	ref := h.open(user+"/r", 1)
	h.send(ref, "<presence from='"+user+"/r'/>")
	h.send(ref, "<presence from='"+user+"/r' to='"+contact+"'><show>away</show></presence>")
	h.send(ref, "<presence from='"+user+"/r' to='"+user+"' type='probe'/>")
	if len(h.casts) != 1 || !strings.HasSuffix(h.casts[0].stanza, "{to}><x xmlns='urn:x'/></presence>") {
		t.Errorf("told %v", h.casts)
	}
	if len(h.routed) != 2 || !has(h.routed, "to='"+contact+"'", "</show><x xmlns='urn:x'/></presence>") ||
		!has(h.routed, "to='"+user+"/r'", "><x xmlns='urn:x'/></presence>") {
		t.Errorf("routed %q", h.routed)
	}
}

func TestBlockedContactsHearNothing(t *testing.T) {
	block := func(r *xep.Registry) error {
		r.Block(func(_ *xep.Home, other jid.JID) bool { return other.Bare().String() == contact })
		return nil
	}
	h := newHost(t, roster.Options{}, block)
	h.put(user, roster.CollectionItems, contact, roster.Stored(roster.Both, ""))
	h.put(user, roster.CollectionItems, "carol@example.com", roster.Stored(roster.Both, ""))
	ref := h.open(user+"/r", 1)
	h.send(ref, "<presence from='"+user+"/r'/>")
	h.close(ref)
	for _, part := range []string{"r'{to}/>", "unavailable"} {
		if got := h.told(part); !slices.Equal(got, []string{user, "carol@example.com"}) {
			t.Errorf("%s told to %q", part, got)
		}
	}
}

func TestOthersAreToldOfAvailability(t *testing.T) {
	var seen []string
	watch := func(r *xep.Registry) error {
		r.Session(xep.Session{Available: func(_ *xep.Home, s xep.SessionRef, before, now xep.Resource) {
			state := func(r xep.Resource) string {
				if !r.Available {
					return "away"
				}
				return string('a' + rune(r.Priority))
			}
			seen = append(seen, state(before)+">"+state(now))
		}})
		return nil
	}
	h := newHost(t, roster.Options{}, watch)
	ref := h.open(user+"/r", 1)
	for _, priority := range []string{"1", "1", "2"} {
		h.send(ref, "<presence from='"+user+"/r'><priority>"+priority+"</priority></presence>")
	}
	h.send(ref, "<presence from='"+user+"/r' type='unavailable'/>")
	h.send(ref, "<presence from='"+user+"/r'/>")
	h.close(ref)
	if want := []string{"away>b", "b>c", "c>away", "away>a", "a>away"}; !slices.Equal(seen, want) {
		t.Errorf("hooks saw %q, want %q", seen, want)
	}
}

func TestWhoMaySee(t *testing.T) {
	h := newHost(t, roster.Options{})
	everyState(h)
	for name := range states() {
		allowed := false
		h.registry.MaySee(h.home(user), jid.MustParse(nodeOf(name)+"@example.com/r"), func(ok bool) { allowed = ok })
		h.run()
		if want := strings.HasPrefix(name, "From") || name == "Both"; allowed != want {
			t.Errorf("%s: %v", name, allowed)
		}
	}
}

func TestAccountDeleted(t *testing.T) {
	h := newHost(t, roster.Options{})
	everyState(h)
	ref := h.open(user+"/r", 1)
	h.send(ref, "<presence from='"+user+"/r'/>")
	h.forget()
	h.registry.AccountDeleted(h.home(user))
	h.run()
	told := func(state, typ string) bool {
		return has(h.routed, "from='"+user+"'", "to='"+nodeOf(state)+"@example.com'", "type='"+typ+"'")
	}
	for name, s := range states() {
		if got, want := told(name, "unsubscribe"), s&(roster.To|roster.PendingOut) != 0; got != want {
			t.Errorf("%s: unsubscribe %v", name, got)
		}
		if got, want := told(name, "unsubscribed"), s&(roster.From|roster.PendingIn) != 0; got != want {
			t.Errorf("%s: unsubscribed %v", name, got)
		}
	}
	if got := h.told("unavailable"); len(got) != 4 {
		t.Errorf("unavailable to %q", got)
	}
	h.forget()
	h.close(ref)
	if len(h.casts)+len(h.routed) != 0 {
		t.Errorf("the end of the session told %v, %q", h.casts, h.routed)
	}
}

// A request that goes wrong on its way is told to the resources that see it as
// pending; other errors to the bare address are answers to what the server asked.
func TestRFC6121_3_1_2_ErrorsAreReturnedToTheUser(t *testing.T) {
	for name, state := range states() {
		h := newHost(t, roster.Options{})
		if state != roster.None {
			h.put(user, roster.CollectionItems, afar, roster.Stored(state, "Bob"))
		}
		ref := h.open(user+"/r", 7)
		h.serve(user, xep.SessionRef{}, "<presence from='"+afar+"/x' to='"+user+"' type='error' id='1'>"+
			"<error type='cancel'><remote-server-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>")
		told := has(h.delivered[ref.JID], "type='error'", "from='"+afar+"'", "to='"+user+"'", "id='1'", "remote-server-not-found")
		if told != (state&roster.PendingOut != 0) || h.state(user, afar) != state || len(h.routed)+len(h.replies) > 0 {
			t.Errorf("%s: told %v, now %v, answered %q", name, told, h.state(user, afar), append(h.routed, h.replies...))
		}
	}
}
