package roster_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/xep"
	"github.com/xylem-im/xylem/xep/roster"
)

func TestStoredItems(t *testing.T) {
	for _, groups := range [][]string{nil, {"a"}, {"Друзья", "x & y", strings.Repeat("g", 300)}} {
		s, name, got, err := roster.Unstored(roster.Stored(roster.Both|roster.Listed, "Ö", groups...))
		if err != nil || s != roster.Both|roster.Listed || name != "Ö" || !slices.Equal(got, groups) {
			t.Errorf("%q: %v %q %q %v", groups, s, name, got, err)
		}
	}
}

// Every value is either taken apart into what makes the same value again, or
// refused.
func FuzzStoredItem(f *testing.F) {
	f.Add(roster.Stored(roster.From, "name", "a", "b"))
	f.Add([]byte{1, 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, name, groups, err := roster.Unstored(b)
		if err != nil {
			return
		}
		again := roster.Stored(s, name, groups...)
		s2, name2, groups2, err := roster.Unstored(again)
		if err != nil || s2 != s || name2 != name || !slices.Equal(groups, groups2) {
			t.Errorf("%x became %x", b, again)
		}
	})
}

func TestRosterOf5000Contacts(t *testing.T) {
	h := newHost(t, roster.Options{})
	for i := range 5000 {
		h.put(user, roster.CollectionItems, fmt.Sprintf("contact%04d@example.com", i), roster.Stored(roster.Both|roster.Listed, fmt.Sprintf("No %d", i), "Everybody"))
	}
	ref := h.open(user+"/r", 1)
	for range 2 { // from the store alone, and with the states in memory
		h.forget()
		h.send(ref, get(ref, ""))
		if len(h.replies) != 1 || strings.Count(h.replies[0], "<item ") != 5000 || !has(h.replies, "contact4999@example.com") {
			t.Fatalf("%d answers, %d items", len(h.replies), strings.Count(h.replies[0], "<item "))
		}
	}
	h.send(ref, "<presence from='"+user+"/r'/>")
	if got := h.told("<presence"); len(got) != 5001 {
		t.Errorf("%d were told", len(got))
	}
}

func TestChangeLogIsBounded(t *testing.T) {
	h := newHost(t, roster.Options{ChangeLog: 3})
	ref := h.open(user+"/r", 1)
	for i := range 10 {
		h.send(ref, set(ref, fmt.Sprintf("<item jid='c%d@example.com'/>", i)))
	}
	res := h.driver.Read(&storage.Op{Kind: storage.Scan, Owner: user, Collection: roster.CollectionLog})
	if len(res.Items) != 3 {
		t.Errorf("%d log entries", len(res.Items))
	}
	for number, want := range map[int]int{10: 0, 9: 1, 7: 3, 6: -1, 1: -1} {
		h.forget()
		h.send(ref, get(ref, fmt.Sprintf("abcdef.%d", number)))
		items := 0
		for _, push := range h.delivered[ref.JID] {
			items += strings.Count(push, "<item ")
		}
		all := strings.Contains(h.replies[0], "<query")
		if all != (want < 0) || !all && items != want {
			t.Errorf("since %d: the whole %v, %d pushes", number, all, items)
		}
	}
}

// An account that was deleted and made again does not take the versions of
// the old one for its own.
func TestVersionsOfAnotherRoster(t *testing.T) {
	h := newHost(t, roster.Options{})
	ref := h.open(user+"/r", 1)
	h.send(ref, set(ref, "<item jid='c@example.com'/>"))
	h.send(ref, get(ref, "ghijkl.1"))
	if !has(h.replies, "<query", "c@example.com") {
		t.Errorf("answered %q", h.replies)
	}
}

func TestLimitsOfRosterSets(t *testing.T) {
	h := newHost(t, roster.Options{Items: 2, NameBytes: 4, Groups: 2})
	ref := h.open(user+"/r", 1)
	cases := []struct{ item, want string }{
		{"<item jid='a@example.com' name='1234'><group>1234</group><group>b</group></item>", "type='result'"},
		{"<item jid='a@example.com' name='12345'/>", "not-acceptable"},
		{"<item jid='a@example.com'><group>12345</group></item>", "not-acceptable"},
		{"<item jid='a@example.com'><group>a</group><group>b</group><group>c</group></item>", "not-acceptable"},
		{"<item jid='b@example.com'/>", "type='result'"},
		{"<item jid='c@example.com'/>", "resource-constraint"},
		{"<item jid='b@example.com' name='B'/>", "type='result'"},
		{"<item jid='b@example.com' subscription='remove'/>", "type='result'"},
		{"<item jid='c@example.com'/>", "type='result'"},
	}
	for _, c := range cases {
		h.forget()
		if h.send(ref, set(ref, c.item)); !has(h.replies, c.want) {
			t.Errorf("%s: %q, want %s", c.item, h.replies, c.want)
		}
	}
	h.forget()
	h.put("d@example.com", xep.CollectionAccount, xep.KeyCredentials, []byte("x"))
	h.send(ref, "<presence from='"+user+"/r' to='d@example.com' type='subscribe'/>")
	if !has(h.replies, "resource-constraint") || len(h.routed) != 0 {
		t.Errorf("a subscription beyond the limit: %q, routed %q", h.replies, h.routed)
	}
}

func TestLimitsOfRequests(t *testing.T) {
	h := newHost(t, roster.Options{Requests: 1, RequestBytes: 200})
	ask := func(from string) {
		h.serve(user, xep.SessionRef{}, "<presence from='"+from+"' to='"+user+"' type='subscribe'><status>"+strings.Repeat("x", 300)+"</status></presence>")
	}
	h.put(user, xep.CollectionAccount, xep.KeyCredentials, []byte("x"))
	ask(contact)
	if b := h.get(user, roster.CollectionRequests, contact); !bytes.Contains(b, []byte("type='subscribe'")) || len(b) > 200 {
		t.Errorf("kept %q", b)
	}
	ask("second@example.com")
	if !has(h.replies, "resource-constraint") {
		t.Errorf("answered %q", h.replies)
	}
	ref := h.open(user+"/r", 1)
	h.send(ref, "<presence from='"+user+"/r' to='"+contact+"' type='unsubscribed'/>")
	if b := h.get(user, roster.CollectionRequests, contact); b != nil {
		t.Errorf("still kept: %q", b)
	}
	h.forget()
	if ask("second@example.com"); len(h.replies) != 0 {
		t.Errorf("answered %q", h.replies)
	}
}

func TestRFC6121_8_5_1_RequestToNobodyIsIgnored(t *testing.T) {
	h := newHost(t, roster.Options{})
	h.serve(user, xep.SessionRef{}, "<presence from='"+contact+"/r' to='"+user+"' type='subscribe'/>")
	if len(h.routed) != 0 {
		t.Errorf("routed %q", h.routed)
	}
	if b := h.get(user, roster.CollectionItems, contact); b != nil {
		t.Errorf("something was stored for nobody: %x", b)
	}
}

// What the store did not take is told to nobody, and has not happened.
func TestStoreFails(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{errors.New("broken"), "internal-server-error"},
		{storage.ErrBusy, "resource-constraint"},
		{storage.ErrFull, "resource-constraint"},
	} {
		for _, loaded := range []bool{false, true} {
			h := newHost(t, roster.Options{})
			ref := h.open(user+"/r", 1)
			if loaded {
				h.send(ref, "<presence from='"+user+"/r'/>")
				h.send(ref, get(ref, ""))
			}
			h.forget()
			h.fail = c.err
			stanzas := []string{
				set(ref, "<item jid='"+contact+"'/>"),
				get(ref, "x"),
				"<presence from='" + user + "/r' to='" + contact + "' type='subscribe'/>",
			}
			for _, st := range stanzas {
				h.send(ref, st)
			}
			h.serve(user, xep.SessionRef{}, "<presence from='"+contact+"' to='"+user+"' type='subscribe'/>")
			if n := len(h.replies); n != 4 || slices.ContainsFunc(h.replies, func(r string) bool { return !strings.Contains(r, c.want) }) {
				t.Errorf("%v, loaded %v: answered %q", c.err, loaded, h.replies)
			}
			if len(h.routed)+len(h.delivered)+len(h.casts) != 0 {
				t.Errorf("%v, loaded %v: routed %q, delivered %q", c.err, loaded, h.routed, h.delivered)
			}
			h.fail = nil
			h.forget()
			h.send(ref, set(ref, "<item jid='"+contact+"'/>"))
			if !has(h.replies, "type='result'") || h.state(user, contact) != roster.Listed {
				t.Errorf("%v, loaded %v: afterwards %q, %v", c.err, loaded, h.replies, h.state(user, contact))
			}
		}
	}
}

// Changes that come together are made one after the other.
func TestChangesDoNotOverlap(t *testing.T) {
	h := newHost(t, roster.Options{})
	ref := h.open(user+"/r", 1)
	h.put(user, roster.CollectionItems, contact, roster.Stored(roster.NonePendingOut|roster.Listed, "Bob"))
	h.submit(user, xep.SessionRef{}, "<presence from='"+contact+"' to='"+user+"' type='subscribe'/>")
	h.submit(user, ref, set(ref, "<item jid='"+contact+"' name='Robert'/>"))
	h.submit(user, xep.SessionRef{}, "<presence from='"+contact+"' to='"+user+"' type='subscribed'/>")
	h.submit(user, ref, "<presence from='"+user+"/r' to='"+contact+"' type='subscribed'/>")
	h.run()
	s, name, _, _ := roster.Unstored(h.get(user, roster.CollectionItems, contact))
	if h.done != 4 || s != roster.Both|roster.Listed || name != "Robert" {
		t.Errorf("%d ended, %v, %q", h.done, s, name)
	}
}

// Own sessions and others have the same bounds, in numbers and in bytes, each for
// themselves.
func TestWaitingChangesAreBounded(t *testing.T) {
	ask := func(i int) string {
		return fmt.Sprintf("<presence from='c%d@example.net' to='"+user+"' type='subscribe'/>", i)
	}
	for name, o := range map[string]roster.Options{"in number": {Waiting: 3}, "in bytes": {WaitingBytes: 3*len(ask(0)) + 1}} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, o)
			ref := h.open(user+"/r", 1)
			for i := range 6 {
				h.submit(user, xep.SessionRef{}, ask(i))
			}
			if len(h.replies) != 2 || !has(h.replies, "resource-constraint", "to='c4@example.net'") || !has(h.replies, "resource-constraint", "to='c5@example.net'") {
				t.Errorf("others were answered %q", h.replies)
			}
			h.replies = nil
			own := 0
			for ; len(h.replies) == 0 && own < 6; own++ {
				h.submit(user, ref, "<presence from='"+user+"/r' to='c0@example.net' type='subscribed'/>")
			}
			if own < 3 || !has(h.replies, "resource-constraint", "to='"+user+"/r'") {
				t.Errorf("of %d changes by its own sessions these were refused: %q", own, h.replies)
			}
			h.run()
			if h.done != 6+own {
				t.Errorf("%d ended, want %d", h.done, 6+own)
			}
			if h.state(user, "c0@example.net")&roster.From == 0 || h.state(user, "c3@example.net") != roster.NonePendingIn || h.state(user, "c4@example.net") != roster.None {
				t.Error("what was let in was not done, or what was refused was")
			}
			h.serve(user, xep.SessionRef{}, ask(4)) // once more, and there is room
			if h.state(user, "c4@example.net") != roster.NonePendingIn {
				t.Error("a request that was sent again was not kept")
			}
		})
	}
}

// A thousand contacts ask while the store is busy, some before and some after the
// answer, which is a pre-approval then (RFC 6121 §3.1.3, §3.4.2): each is granted,
// told so, and gets presence.
func TestManySubscribeAtOnce(t *testing.T) {
	const contacts = 999
	h := newHost(t, roster.Options{})
	ref := h.open(user+"/r", 1)
	h.send(ref, "<presence from='"+user+"/r'/>")
	h.forget()
	name := func(i int) string { return fmt.Sprintf("c%03d@example.net", i) }
	ask := func(i int) {
		h.submit(user, xep.SessionRef{}, "<presence from='"+name(i)+"' to='"+user+"' type='subscribe'/>")
	}
	for i := 0; i < contacts; i += 2 {
		ask(i)
	}
	for i := range contacts {
		h.submit(user, ref, "<presence from='"+user+"/r' to='"+name(i)+"' type='subscribed'/>")
	}
	for i := 1; i < contacts; i += 2 {
		ask(i)
	}
	h.run()
	if len(h.replies) > 0 || h.done != 1+2*contacts {
		t.Fatalf("%d ended; refused: %q", h.done, h.replies)
	}
	granted, told := map[string]int{}, map[string]int{}
	for _, st := range h.routed {
		granted[st]++
	}
	for _, to := range h.told("from='" + user + "/r'") {
		told[to]++
	}
	for i := range contacts {
		if s := h.state(user, name(i)); s&roster.From == 0 || s&roster.PendingIn != 0 {
			t.Errorf("%s: %v", name(i), s)
		}
		if n := granted["<presence from='"+user+"' to='"+name(i)+"' type='subscribed'></presence>"] +
			granted["<presence from='"+user+"' to='"+name(i)+"' type='subscribed'/>"]; n != 1 || told[name(i)] != 1 {
			t.Errorf("%s: granted %d times, got presence %d times", name(i), n, told[name(i)])
		}
	}
}

// A value of a newer version is an error, not an empty roster.
func TestUnknownFormat(t *testing.T) {
	h := newHost(t, roster.Options{})
	h.put(user, roster.CollectionItems, contact, []byte{99, 1})
	ref := h.open(user+"/r", 1)
	h.send(ref, get(ref, ""))
	h.send(ref, "<presence from='"+user+"/r'/>")
	if len(h.replies) != 2 || !has(h.replies, "internal-server-error") || len(h.casts) != 0 {
		t.Errorf("answered %q, told %v", h.replies, h.casts)
	}
}
