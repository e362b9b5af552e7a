package routing_test

import (
	"slices"
	"testing"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/stanza"
)

const (
	message  = stanza.KindMessage
	presence = stanza.KindPresence
	iq       = stanza.KindIQ
)

// The accounts of the tests, all at example.com. A resource is named for its
// state: connected ones have sent no presence.
var accounts = map[string][]struct {
	resource  string
	available bool
	priority  int8
}{
	"none":      nil,
	"connected": {{"c", false, 0}},
	"negative":  {{"n1", true, -1}, {"n2", true, -128}, {"c", false, 0}},
	"zero":      {{"z", true, 0}, {"n", true, -1}, {"c", false, 0}},
	"several":   {{"low", true, 1}, {"top1", true, 5}, {"c", false, 0}, {"n", true, -1}, {"top2", true, 5}},
}

func rulesTable() *routing.Table {
	table := routing.NewTable()
	d, _ := table.AddDomain("example.com")
	mailbox := routing.Mailbox(0)
	for _, local := range []string{"connected", "negative", "zero", "several"} {
		for _, r := range accounts[local] {
			mailbox++
			d.Bind(local, r.resource, mailbox)
			if r.available {
				d.SetPresence(local, r.resource, mailbox, true, r.priority)
			}
		}
	}
	return table
}

// A row says what becomes of stanzas of some types for one address.
type row struct {
	to      string
	kind    stanza.Kind
	types   []stanza.Type
	verdict routing.Verdict
	cond    stanza.Condition
	targets string // resources, separated by spaces
}

func types(t ...stanza.Type) []stanza.Type { return t }

func checkRows(t *testing.T, rows ...row) {
	t.Helper()
	table := rulesTable()
	for _, r := range rows {
		for _, typ := range r.types {
			to := jid.MustParse(r.to).View()
			before := routing.Entry{Resource: "before", Mailbox: 99}
			decision, targets := table.Route(to, r.kind, typ, []routing.Entry{before})
			if len(targets) == 0 || targets[0] != before {
				t.Fatalf("%v %q to %s: the targets given were changed", r.kind, typ, r.to)
			}
			got := ""
			for _, e := range targets[1:] {
				if got += " " + e.Resource; e.Mailbox == 0 {
					t.Errorf("%v %q to %s: %s has no mailbox", r.kind, typ, r.to, e.Resource)
				}
			}
			want := r.targets
			if want != "" {
				want = " " + want
			}
			if decision.Verdict != r.verdict || decision.Condition != r.cond || got != want {
				t.Errorf("%v %q to %s: verdict %d %q for%s, want %d %q for%s",
					r.kind, typ, r.to, decision.Verdict, decision.Condition, got, r.verdict, r.cond, want)
			}
		}
	}
}

var (
	normalTypes       = types(stanza.TypeNone, stanza.TypeNormal, stanza.TypeUnknown)
	chatType          = types(stanza.TypeChat)
	groupchatType     = types(stanza.TypeGroupchat)
	headlineType      = types(stanza.TypeHeadline)
	errorType         = types(stanza.TypeError)
	availabilityTypes = types(stanza.TypeNone, stanza.TypeUnavailable)
	subscriptionTypes = types(stanza.TypeSubscribe, stanza.TypeSubscribed, stanza.TypeUnsubscribe, stanza.TypeUnsubscribed)
	probeType         = types(stanza.TypeProbe)
	requestTypes      = types(stanza.TypeGet, stanza.TypeSet)
	responseTypes     = types(stanza.TypeResult, stanza.TypeError)

	normalAndChat = slices.Concat(normalTypes, chatType)
	messageTypes  = slices.Concat(normalAndChat, groupchatType, headlineType, errorType)
	presenceTypes = slices.Concat(availabilityTypes, subscriptionTypes, probeType, errorType)
	iqTypes       = slices.Concat(requestTypes, responseTypes)
)

const unavailable = stanza.ServiceUnavailable

func TestRFC6120_10_3_NoToAddress(t *testing.T) {
	from := jid.MustParse("zero@example.com/z").View()
	for _, kind := range []stanza.Kind{message, iq} {
		if got := routing.Addressee(kind, from, jid.View{}); got != from.Bare() {
			t.Errorf("%v is for %q", kind, got)
		}
	}
	if got := routing.Addressee(presence, from, jid.View{}); !got.IsZero() {
		t.Errorf("a broadcast is for %q", got)
	}
	to := jid.MustParse("example.com").View()
	for _, kind := range []stanza.Kind{message, presence, iq} {
		if got := routing.Addressee(kind, from, to); got != to {
			t.Errorf("%v to %q is for %q", kind, to, got)
		}
	}
	decision, targets := rulesTable().Route(jid.View{}, presence, stanza.TypeNone, nil)
	if decision != (routing.Decision{Verdict: routing.Account}) || targets != nil {
		t.Errorf("a broadcast: %v, %v", decision, targets)
	}
}

func TestRFC6121_8_3_RemoteDomain(t *testing.T) {
	for _, to := range []string{"example.net", "example.net/r", "zero@example.net", "zero@example.net/z", "sub.example.com"} {
		checkRows(t,
			row{to, message, messageTypes, routing.Remote, "", ""},
			row{to, presence, presenceTypes, routing.Remote, "", ""},
			row{to, iq, iqTypes, routing.Remote, "", ""})
	}
}

func TestRFC6121_8_4_LocalDomain(t *testing.T) {
	for _, to := range []string{"example.com", "example.com/z"} {
		checkRows(t,
			row{to, message, messageTypes, routing.Server, "", ""},
			row{to, presence, presenceTypes, routing.Server, "", ""},
			row{to, iq, iqTypes, routing.Server, "", ""})
	}
}

func TestRFC6120_8_2_TypeMissingOrWrong(t *testing.T) {
	for _, to := range []string{"example.com", "none@example.com", "zero@example.com", "zero@example.com/z", "zero@example.com/x"} {
		checkRows(t,
			row{to, iq, types(stanza.TypeNone, stanza.TypeUnknown, stanza.TypeChat), routing.Bounce, stanza.BadRequest, ""},
			row{to, presence, types(stanza.TypeUnknown, stanza.TypeGet), routing.Bounce, stanza.BadRequest, ""},
			row{to, stanza.KindNone, types(stanza.TypeNone), routing.Bounce, stanza.BadRequest, ""})
	}
}

func TestRFC6121_8_5_2_1_1_Normal_DeliversToMostAvailable(t *testing.T) {
	checkRows(t,
		row{"zero@example.com", message, normalTypes, routing.Delivered, "", "z"},
		row{"several@example.com", message, normalTypes, routing.Delivered, "", "top1 top2"})
}

func TestRFC6121_8_5_2_1_1_Chat_DeliversToMostAvailable(t *testing.T) {
	checkRows(t,
		row{"zero@example.com", message, chatType, routing.Delivered, "", "z"},
		row{"several@example.com", message, chatType, routing.Delivered, "", "top1 top2"})
}

func TestRFC6121_8_5_2_1_1_NormalAndChat_OnlyNegativeIsOffline(t *testing.T) {
	checkRows(t,
		row{"negative@example.com", message, normalAndChat, routing.Offline, unavailable, ""},
		row{"connected@example.com", message, normalAndChat, routing.Offline, unavailable, ""})
}

func TestRFC6121_8_5_2_1_1_Groupchat_IsRefused(t *testing.T) {
	for local := range accounts {
		checkRows(t, row{local + "@example.com", message, groupchatType, routing.Bounce, unavailable, ""})
	}
}

func TestRFC6121_8_5_2_1_1_Headline_DeliversToAllNonNegative(t *testing.T) {
	checkRows(t,
		row{"zero@example.com", message, headlineType, routing.Delivered, "", "z"},
		row{"several@example.com", message, headlineType, routing.Delivered, "", "low top1 top2"})
}

func TestRFC6121_8_5_2_1_1_Headline_OnlyNegativeIsIgnored(t *testing.T) {
	checkRows(t,
		row{"negative@example.com", message, headlineType, routing.Ignore, "", ""},
		row{"connected@example.com", message, headlineType, routing.Ignore, "", ""})
}

func TestRFC6121_8_5_2_1_1_Error_IsIgnored(t *testing.T) {
	for local := range accounts {
		checkRows(t, row{local + "@example.com", message, errorType, routing.Ignore, "", ""})
	}
}

func TestRFC6121_8_5_2_1_2_Presence_DeliversToAllAvailable(t *testing.T) {
	checkRows(t,
		row{"negative@example.com", presence, availabilityTypes, routing.Delivered, "", "n1 n2"},
		row{"zero@example.com", presence, availabilityTypes, routing.Delivered, "", "z n"},
		row{"several@example.com", presence, availabilityTypes, routing.Delivered, "", "low top1 n top2"})
}

func TestRFC6121_8_5_2_1_2_Presence_SubscriptionIsTheAccounts(t *testing.T) {
	for local := range accounts {
		checkRows(t, row{local + "@example.com", presence, subscriptionTypes, routing.Account, "", ""})
	}
}

func TestRFC6121_8_5_2_1_2_Presence_ProbeIsTheAccounts(t *testing.T) {
	for local := range accounts {
		checkRows(t, row{local + "@example.com", presence, probeType, routing.Account, "", ""})
	}
}

func TestRFC6121_8_5_2_1_2_Presence_ErrorIsTheAccounts(t *testing.T) {
	for local := range accounts {
		checkRows(t, row{local + "@example.com", presence, errorType, routing.Account, "", ""})
	}
}

func TestRFC6121_8_5_2_1_3_IQ_IsAnsweredForTheAccount(t *testing.T) {
	for local := range accounts {
		checkRows(t, row{local + "@example.com", iq, iqTypes, routing.Account, "", ""})
	}
}

func TestRFC6121_8_5_2_2_1_Message_NoResources(t *testing.T) {
	checkRows(t,
		row{"none@example.com", message, normalAndChat, routing.Offline, unavailable, ""},
		row{"none@example.com", message, groupchatType, routing.Bounce, unavailable, ""},
		row{"none@example.com", message, headlineType, routing.Ignore, "", ""},
		row{"none@example.com", message, errorType, routing.Ignore, "", ""})
}

func TestRFC6121_8_5_2_2_2_Presence_NoResources(t *testing.T) {
	checkRows(t,
		row{"none@example.com", presence, availabilityTypes, routing.Ignore, "", ""},
		row{"connected@example.com", presence, availabilityTypes, routing.Ignore, "", ""},
		row{"none@example.com", presence, subscriptionTypes, routing.Account, "", ""},
		row{"none@example.com", presence, probeType, routing.Account, "", ""})
}

func TestRFC6121_8_5_2_2_3_IQ_NoResources(t *testing.T) {
	checkRows(t, row{"none@example.com", iq, iqTypes, routing.Account, "", ""})
}

// fullAddresses are addresses of resources that are bound, whatever their state.
var fullAddresses = map[string]string{
	"connected@example.com/c": "c", "negative@example.com/n2": "n2", "zero@example.com/z": "z", "several@example.com/low": "low",
}

func TestRFC6121_8_5_3_1_Message_ResourceMatches(t *testing.T) {
	for to, resource := range fullAddresses {
		checkRows(t, row{to, message, messageTypes, routing.Delivered, "", resource})
	}
}

func TestRFC6121_8_5_3_1_Presence_ResourceMatches(t *testing.T) {
	for to, resource := range fullAddresses {
		checkRows(t,
			row{to, presence, availabilityTypes, routing.Delivered, "", resource},
			row{to, presence, errorType, routing.Delivered, "", resource},
			row{to, presence, subscriptionTypes, routing.Account, "", ""},
			row{to, presence, probeType, routing.Account, "", ""})
	}
}

func TestRFC6121_8_5_3_1_IQ_ResourceMatches(t *testing.T) {
	for to, resource := range fullAddresses {
		checkRows(t, row{to, iq, iqTypes, routing.Delivered, "", resource})
	}
}

func TestRFC6121_8_5_3_2_1_Normal_NoResourceMatches_IsRefused(t *testing.T) {
	for local := range accounts {
		checkRows(t, row{local + "@example.com/other", message, normalTypes, routing.Bounce, unavailable, ""})
	}
}

func TestRFC6121_8_5_3_2_1_Groupchat_NoResourceMatches_IsRefused(t *testing.T) {
	for local := range accounts {
		checkRows(t, row{local + "@example.com/other", message, groupchatType, routing.Bounce, unavailable, ""})
	}
}

func TestRFC6121_8_5_3_2_1_Headline_NoResourceMatches_IsIgnored(t *testing.T) {
	for local := range accounts {
		checkRows(t, row{local + "@example.com/other", message, headlineType, routing.Ignore, "", ""})
	}
}

func TestRFC6121_8_5_3_2_1_Chat_NoResourceMatches_IsAsToTheBareAddress(t *testing.T) {
	checkRows(t,
		row{"none@example.com/other", message, chatType, routing.Offline, unavailable, ""},
		row{"connected@example.com/other", message, chatType, routing.Offline, unavailable, ""},
		row{"negative@example.com/other", message, chatType, routing.Offline, unavailable, ""},
		row{"zero@example.com/other", message, chatType, routing.Delivered, "", "z"},
		row{"several@example.com/other", message, chatType, routing.Delivered, "", "top1 top2"})
}

func TestRFC6121_8_5_3_2_1_Error_NoResourceMatches_IsIgnored(t *testing.T) {
	for local := range accounts {
		checkRows(t, row{local + "@example.com/other", message, errorType, routing.Ignore, "", ""})
	}
}

func TestRFC6121_8_5_3_2_2_Presence_NoResourceMatches(t *testing.T) {
	for local := range accounts {
		to := local + "@example.com/other"
		checkRows(t,
			row{to, presence, availabilityTypes, routing.Ignore, "", ""},
			row{to, presence, errorType, routing.Ignore, "", ""},
			row{to, presence, subscriptionTypes, routing.Account, "", ""},
			row{to, presence, probeType, routing.Account, "", ""})
	}
}

func TestRFC6121_8_5_3_2_3_IQ_NoResourceMatches(t *testing.T) {
	for local := range accounts {
		checkRows(t,
			row{local + "@example.com/other", iq, requestTypes, routing.Bounce, unavailable, ""},
			row{local + "@example.com/other", iq, responseTypes, routing.Ignore, "", ""})
	}
}

func TestDecisionNamesTheDomain(t *testing.T) {
	table := rulesTable()
	for _, to := range []string{"example.com", "none@example.com", "zero@example.com", "zero@example.com/x"} {
		for _, typ := range messageTypes {
			decision, _ := table.Route(jid.MustParse(to).View(), message, typ, nil)
			if decision.Domain != table.Domain("example.com") {
				t.Errorf("%s, %q: %v", to, typ, decision.Domain)
			}
		}
	}
}
