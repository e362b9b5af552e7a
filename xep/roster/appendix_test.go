package roster_test

import (
	"testing"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
	"github.com/xylem-im/xylem/xep/roster"
)

// row is a line of a table of RFC 6121 Appendix A, in its words.
type row struct {
	existing, pass, next string // next "no state change" as there
}

const same = "no state change"

// outboundTables are A.2.1 to A.2.4: "pass" answers "route?".
var outboundTables = map[stanza.Type][]row{
	stanza.TypeSubscribe: {
		{"None", "MUST", "None + Pending Out"},
		{"None + Pending Out", "MUST", same},
		{"None + Pending In", "MUST", "None + Pending Out+In"},
		{"None + Pending Out+In", "MUST", same},
		{"To", "MUST", same},
		{"To + Pending In", "MUST", same},
		{"From", "MUST", "From + Pending Out"},
		{"From + Pending Out", "MUST", same},
		{"Both", "MUST", same},
	},
	stanza.TypeUnsubscribe: {
		{"None", "MUST", same},
		{"None + Pending Out", "MUST", "None"},
		{"None + Pending In", "MUST", same},
		{"None + Pending Out+In", "MUST", "None + Pending In"},
		{"To", "MUST", "None"},
		{"To + Pending In", "MUST", "None + Pending In"},
		{"From", "MUST", same},
		{"From + Pending Out", "MUST", "From"},
		{"Both", "MUST", "From"},
	},
	stanza.TypeSubscribed: {
		{"None", "MUST NOT", "pre-approval"},
		{"None + Pending Out", "MUST NOT", "pre-approval"},
		{"None + Pending In", "MUST", "From"},
		{"None + Pending Out+In", "MUST", "From + Pending Out"},
		{"To", "MUST NOT", "pre-approval"},
		{"To + Pending In", "MUST", "Both"},
		{"From", "MUST NOT", same},
		{"From + Pending Out", "MUST NOT", same},
		{"Both", "MUST NOT", same},
	},
	stanza.TypeUnsubscribed: {
		{"None", "MUST NOT", same},
		{"None + Pending Out", "MUST NOT", same},
		{"None + Pending In", "MUST", "None"},
		{"None + Pending Out+In", "MUST", "None + Pending Out"},
		{"To", "MUST NOT", same},
		{"To + Pending In", "MUST", "To"},
		{"From", "MUST", "None"},
		{"From + Pending Out", "MUST", "None + Pending Out"},
		{"Both", "MUST", "To"},
	},
}

// inboundTables are A.3.1 to A.3.4: "pass" answers "deliver?".
var inboundTables = map[stanza.Type][]row{
	stanza.TypeSubscribe: {
		{"None", "MUST", "None + Pending In"},
		{"None + Pending Out", "MUST", "None + Pending Out+In"},
		{"None + Pending In", "MUST NOT", same},
		{"None + Pending Out+In", "MUST NOT", same},
		{"To", "MUST", "To + Pending In"},
		{"To + Pending In", "MUST NOT", same},
		{"From", "MUST NOT", "answer"},
		{"From + Pending Out", "MUST NOT", "answer"},
		{"Both", "MUST NOT", "answer"},
	},
	stanza.TypeUnsubscribe: {
		{"None", "MUST NOT", same},
		{"None + Pending Out", "MUST NOT", same},
		{"None + Pending In", "MUST", "None"},
		{"None + Pending Out+In", "MUST", "None + Pending Out"},
		{"To", "MUST NOT", same},
		{"To + Pending In", "MUST", "To"},
		{"From", "MUST", "None"},
		{"From + Pending Out", "MUST", "None + Pending Out"},
		{"Both", "MUST", "To"},
	},
	stanza.TypeSubscribed: {
		{"None", "MUST NOT", same},
		{"None + Pending Out", "MUST", "To"},
		{"None + Pending In", "MUST NOT", same},
		{"None + Pending Out+In", "MUST", "To + Pending In"},
		{"To", "MUST NOT", same},
		{"To + Pending In", "MUST NOT", same},
		{"From", "MUST NOT", same},
		{"From + Pending Out", "MUST", "Both"},
		{"Both", "MUST NOT", same},
	},
	stanza.TypeUnsubscribed: {
		{"None", "MUST NOT", same},
		{"None + Pending Out", "MUST", "None"},
		{"None + Pending In", "MUST NOT", same},
		{"None + Pending Out+In", "MUST", "None + Pending In"},
		{"To", "MUST", "None"},
		{"To + Pending In", "MUST", "None + Pending In"},
		{"From", "MUST NOT", same},
		{"From + Pending Out", "MUST", "From"},
		{"Both", "MUST", "From"},
	},
}

// states are the nine of A.1 by their names.
func states() map[string]roster.State {
	m := map[string]roster.State{}
	for _, s := range []roster.State{roster.None, roster.NonePendingOut, roster.NonePendingIn, roster.NonePendingOutIn,
		roster.To, roster.ToPendingIn, roster.From, roster.FromPendingOut, roster.Both} {
		m[s.String()] = s
	}
	return m
}

const (
	user    = "alice@example.com"
	contact = "bob@example.net"
	afar    = "bob@remote.example" // a contact of another server
)

// eachCell sets every state of a table up in a server and lets f send the
// stanza; it compares what is stored then.
func eachCell(t *testing.T, tables map[stanza.Type][]row, f func(t *testing.T, h *host, ref xep.SessionRef, typ stanza.Type) (passed bool)) {
	for typ, rows := range tables {
		if len(rows) != 9 {
			t.Fatalf("%s: %d states", typ, len(rows))
		}
		for _, r := range rows {
			t.Run(typ.String()+" in "+r.existing, func(t *testing.T) {
				existing, known := states()[r.existing]
				if !known {
					t.Fatalf("no state %q", r.existing)
				}
				h := newHost(t, roster.Options{})
				if existing != roster.None {
					h.put(user, roster.CollectionItems, afar, roster.Stored(existing, "Bob", "friends"))
				}
				ref := h.open(user+"/r", 7)
				h.send(ref, "<presence from='"+user+"/r'/>")
				h.forget()
				passed := f(t, h, ref, typ)
				if passed != (r.pass == "MUST") {
					t.Errorf("passed on: %v, want %s", passed, r.pass)
				}
				want := r.next
				if want == same || want == "pre-approval" || want == "answer" {
					want = r.existing
				}
				now := h.state(user, afar)
				if now.String() != want {
					t.Errorf("state %s, want %s", now, want)
				}
				if approved := now&roster.Approved != 0; approved != (r.next == "pre-approval") {
					t.Errorf("pre-approved: %v", approved)
				}
				confirmed := inbound(tables) && typ == stanza.TypeUnsubscribe && r.pass == "MUST" // A.3.2 [1]
				if got := has(h.routed, "type='unsubscribed'", "from='"+user+"'", "to='"+afar+"'"); typ != stanza.TypeUnsubscribed && got != confirmed {
					t.Errorf("unsubscribed was sent in answer: %v", got)
				}
				if answered := has(h.routed, "type='subscribed'", "from='"+user+"'", "to='"+afar+"'"); r.next == "answer" && !answered {
					t.Error("no subscribed was sent in answer")
				}
				if b := h.get(user, roster.CollectionItems, afar); b != nil && existing != roster.None {
					if _, name, groups, _ := roster.Unstored(b); name != "Bob" || len(groups) != 1 {
						t.Errorf("name %q and groups %q were changed", name, groups)
					}
				}
			})
		}
	}
}

func TestRFC6121_A_2_ServerProcessingOfOutboundPresenceSubscriptionStanzas(t *testing.T) {
	eachCell(t, outboundTables, func(t *testing.T, h *host, ref xep.SessionRef, typ stanza.Type) bool {
		h.send(ref, "<presence from='"+user+"/r' to='"+afar+"/x' type='"+typ.String()+"' id='1'/>")
		return has(h.routed, "type='"+typ.String()+"'", "from='"+user+"'", "to='"+afar+"'", "id='1'")
	})
}

func TestRFC6121_A_3_ServerProcessingOfInboundPresenceSubscriptionStanzas(t *testing.T) {
	eachCell(t, inboundTables, func(t *testing.T, h *host, ref xep.SessionRef, typ stanza.Type) bool {
		h.serve(user, xep.SessionRef{}, "<presence from='"+afar+"/x' to='"+user+"/r' type='"+typ.String()+"' id='1'/>")
		return has(h.delivered[jid.MustParse(user+"/r")], "<presence", "type='"+typ.String()+"'", "from='"+afar+"'", "to='"+user+"'")
	})
}

// inbound tells the tables of A.3 from those of A.2.
func inbound(tables map[stanza.Type][]row) bool {
	return tables[stanza.TypeSubscribe][0].next == "None + Pending In"
}

// A resource that is not there is asked, but not told.
func TestRFC6121_8_5_3_2_2_Presence(t *testing.T) {
	eachCell(t, map[stanza.Type][]row{stanza.TypeSubscribe: inboundTables[stanza.TypeSubscribe]},
		func(t *testing.T, h *host, ref xep.SessionRef, typ stanza.Type) bool {
			h.serve(user, xep.SessionRef{}, "<presence from='"+afar+"' to='"+user+"/gone' type='subscribe'/>")
			return has(h.delivered[ref.JID], "<presence", "type='subscribe'", "to='"+user+"'")
		})
	for _, typ := range []string{"subscribed", "unsubscribe", "unsubscribed"} {
		h := newHost(t, roster.Options{})
		existing := roster.Both
		if typ == "subscribed" {
			existing = roster.FromPendingOut
		}
		h.put(user, roster.CollectionItems, afar, roster.Stored(existing, "Bob"))
		ref := h.open(user+"/r", 7)
		h.serve(user, xep.SessionRef{}, "<presence from='"+afar+"' to='"+user+"/gone' type='"+typ+"'/>")
		if now := h.state(user, afar); now != existing || len(h.delivered[ref.JID]) > 0 || len(h.routed) > 0 {
			t.Errorf("%s: state %v, delivered %q, routed %q", typ, now, h.delivered[ref.JID], h.routed)
		}
	}
}

// A afar of this server is not told what it knows.
func TestUnsubscribeWithinTheServerIsNotConfirmed(t *testing.T) {
	h := newHost(t, roster.Options{})
	h.put(user, roster.CollectionItems, "bob@example.net", roster.Stored(roster.From, "Bob"))
	h.open(user+"/r", 7)
	h.serve(user, xep.SessionRef{}, "<presence from='bob@example.net' to='"+user+"' type='unsubscribe'/>")
	if now := h.state(user, "bob@example.net"); now.Subscription() != roster.None || has(h.routed, "type='unsubscribed'") {
		t.Errorf("state %v, routed %q", now, h.routed)
	}
}

// What the state of the roster that clients see is, is pushed when and only
// when it changes.
func TestPushFollowsTheVisibleState(t *testing.T) {
	for _, tables := range []map[stanza.Type][]row{outboundTables, inboundTables} {
		inbound := inbound(tables)
		eachCell(t, tables, func(t *testing.T, h *host, ref xep.SessionRef, typ stanza.Type) bool {
			before := visible(h.state(user, afar))
			var passed bool
			if inbound {
				h.serve(user, xep.SessionRef{}, "<presence from='"+afar+"' to='"+user+"' type='"+typ.String()+"'/>")
				passed = has(h.delivered[ref.JID], "<presence", "type='"+typ.String()+"'")
			} else {
				h.send(ref, "<presence from='"+user+"/r' to='"+afar+"' type='"+typ.String()+"'/>")
				passed = has(h.routed, "type='"+typ.String()+"'")
			}
			after := visible(h.state(user, afar))
			if pushed := has(h.delivered[ref.JID], "<iq", "jabber:iq:roster"); pushed != (before != after) {
				t.Errorf("pushed: %v, but %q became %q", pushed, before, after)
			}
			return passed
		})
	}
}

// visible is a state as a roster item shows it.
func visible(s roster.State) string {
	if s&^roster.PendingIn == roster.None {
		return "nothing"
	}
	return (s &^ (roster.PendingIn | roster.Listed)).String() + approvedMark(s)
}

func approvedMark(s roster.State) string {
	if s&roster.Approved != 0 {
		return ", approved"
	}
	return ""
}
