package im_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/engine"
)

// The table of docs/routing.md is what this test performs: each row with each
// of its stanzas, each column, accounts with all kinds of resources, with and
// without carbons. Who gets the stanza, a copy, an error, and what is stored
// must be what the words of the cell say.
func TestRoutingTable(t *testing.T) {
	eachCell(t, start(t, nil, engine.Config{}), nil)
}

// The same for what a user of another server sends.
func TestRoutingTableFromAfar(t *testing.T) {
	servers := federated(t, "localhost", "far.example")
	eachCell(t, servers["localhost"], servers["far.example"])
}

func eachCell(t *testing.T, s, far *server) {
	rows := documented(t)
	if len(rows) != len(stanzas) {
		t.Errorf("%d rows are documented, %d known here", len(rows), len(stanzas))
	}
	n := 0
	for _, row := range rows {
		texts := stanzas[row.label]
		if len(texts) == 0 {
			t.Errorf("no stanzas for the row %q", row.label)
		}
		for _, text := range texts {
			for column := range columns {
				for _, carbons := range []bool{false, true} {
					n++
					name := fmt.Sprintf("%s/%s/carbons=%v", text, columns[column], carbons)
					t.Run(name, func(t *testing.T) {
						newStage(t, s, far, n, carbons).perform(row, text, column)
					})
				}
			}
		}
	}
}

// columns are the ways in which an address relates to an account's sessions.
var columns = [...]string{"bare", "match", "absent"}

// row is one of the documented table.
type row struct {
	label string
	cells [len(columns)]string
}

var section = regexp.MustCompile(` ?\([^()]*§[^()]*\)`)

// documented reads the table behind the heading "The rules".
func documented(t *testing.T) (rows []row) {
	t.Helper()
	text, err := os.ReadFile("../../docs/routing.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text2, found := strings.Cut(string(text), "\n## The rules\n")
	text2, _, _ = strings.Cut(text2, "\n## ")
	lines := slices.Collect(strings.Lines(text2))
	lines = slices.DeleteFunc(lines, func(l string) bool { return !strings.HasPrefix(l, "|") })
	if !found || len(lines) < 3 {
		t.Fatal("docs/routing.md has no table of rules")
	}
	for _, line := range lines[2:] {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 1+len(columns) {
			t.Fatalf("row %q", line)
		}
		r := row{label: strings.TrimSpace(section.ReplaceAllString(cells[0], ""))}
		for i := range columns {
			r.cells[i] = strings.TrimSpace(cells[i+1])
		}
		rows = append(rows, r)
	}
	return rows
}

// stanzas are those of each row; %s is where id and to go.
var stanzas = map[string][]string{
	"message, normal or no type": {"<message %s><body>x</body></message>", "<message type='normal' %s><body>x</body></message>",
		"<message type='from-the-future' %s><body>x</body></message>"},
	"message, chat":      {"<message type='chat' %s><body>x</body></message>"},
	"message, groupchat": {"<message type='groupchat' %s><body>x</body></message>"},
	"message, headline":  {"<message type='headline' %s><body>x</body></message>"},
	"message, error": {"<message type='error' %s><error type='cancel'>" +
		"<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"},
	"presence, available and unavailable": {"<presence %s/>", "<presence type='unavailable' %s/>"},
	"presence, (un)subscribe(d)": {"<presence type='subscribe' %s/>", "<presence type='subscribed' %s/>",
		"<presence type='unsubscribe' %s/>", "<presence type='unsubscribed' %s/>"},
	"presence, probe": {"<presence type='probe' %s/>"},
	"presence, error": {"<presence type='error' %s/>"},
	"IQ, get and set": {"<iq type='get' %s><x xmlns='urn:example:x'/></iq>", "<iq type='set' %s><x xmlns='urn:example:x'/></iq>"},
	"IQ, result and error": {"<iq type='result' %s/>", "<iq type='error' %s><error type='cancel'>" +
		"<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"},
	"presence or IQ of a wrong type": {"<presence type='wrong' %s/>", "<iq type='wrong' %s><x xmlns='urn:example:x'/></iq>",
		"<iq %s><x xmlns='urn:example:x'/></iq>"},
}

// resource is a session of an account. "connected" ones have sent no presence.
type resource struct {
	name      string
	available bool
	priority  int
}

// cast is an account.
type cast struct {
	name      string
	exists    bool
	resources []resource
}

// casts are the accounts that each stanza is sent to.
var casts = []cast{
	{"unknown", false, nil},
	{"offline", true, nil},
	{"connected", true, []resource{{"c", false, 0}}},
	{"negative", true, []resource{{"n1", true, -1}, {"n2", true, -128}, {"c", false, 0}}},
	{"zero", true, []resource{{"z", true, 0}, {"n", true, -1}, {"c", false, 0}}},
	{"several", true, []resource{{"low", true, 1}, {"top1", true, 5}, {"c", false, 0}, {"n", true, -1}, {"top2", true, 5}}},
}

// stage is a set of fresh accounts with their sessions.
type stage struct {
	t       *testing.T
	server  *server
	far     *server // the sender's, if that is another one
	prefix  string
	carbons bool
	sender  *client
	other   *client // another session of the sender's
	clients map[string]*client
	stored  map[string][]string // ids, by account
	n       int
}

func newStage(t *testing.T, s, far *server, number int, carbons bool) *stage {
	st := &stage{t: t, server: s.in(t), far: far.in(t), prefix: fmt.Sprintf("s%d-", number), carbons: carbons,
		clients: map[string]*client{}, stored: map[string][]string{}}
	for _, cast := range casts {
		if cast.exists {
			s.account(st.account(cast.name))
		}
		for _, r := range cast.resources {
			presence := ""
			if r.available {
				presence = fmt.Sprintf("<presence><priority>%d</priority></presence>", r.priority)
			}
			st.enter(cast.name, r.name, presence)
		}
	}
	st.of("sender").account(st.account("sender"))
	st.other = st.enter("sender", "other", "<presence><priority>-5</priority></presence>")
	st.sender = st.enter("sender", "s", "")
	t.Cleanup(func() {
		for _, c := range st.clients {
			_ = c.conn.Close()
		}
	})
	return st
}

func (st *stage) account(name string) string {
	if name == "sender" && st.far != nil {
		return st.prefix + name + "@far.example"
	}
	return st.prefix + name + "@localhost"
}

// of is the server of an account.
func (st *stage) of(name string) *server {
	if name == "sender" && st.far != nil {
		return st.far
	}
	return st.server
}

// enter logs a session in; it has heard of all that this brings.
func (st *stage) enter(name, resource, presence string) *client {
	st.t.Helper()
	if st.carbons {
		presence += "<iq type='set' id='carbons'><enable xmlns='urn:xmpp:carbons:2'/></iq>"
	}
	full := st.account(name) + "/" + resource
	c := st.of(name).login(full, presence)
	c.sync()
	st.clients[full] = c
	return c
}

// perform sends a stanza to each account in one way and looks who gets it.
func (st *stage) perform(r row, text string, column int) {
	st.t.Helper()
	for _, cast := range casts {
		for _, to := range st.addresses(cast.name, cast.resources, r.label, column) {
			st.n++
			id := fmt.Sprintf("id-%d", st.n)
			want := st.expect(r, column, text, id, cast.name, to)
			if got := st.try(text, id, to, want); !slices.Equal(got, want) {
				st.t.Errorf("to %s:\n got %q\nwant %q", to, got, want)
			}
		}
	}
	st.checkStored()
}

// addresses are those of an account that a column is about.
func (st *stage) addresses(name string, resources []resource, label string, column int) (list []string) {
	switch columns[column] {
	case "bare":
		return []string{st.account(name)}
	case "absent":
		return []string{st.account(name) + "/gone"}
	}
	for _, res := range resources {
		list = append(list, st.account(name)+"/"+res.name)
	}
	if strings.Contains(label, "subscribe") && len(list) > 0 {
		return list[:1] // a second one would mean something else
	}
	return list
}

// try sends a stanza and lists what came of it, sorted: who got it, a copy
// ("sent", "received") or an error. Subscriptions go on at the contact's home
// when the sender's is done, so what is wanted is waited for.
func (st *stage) try(text, id, to string, want []string) (got []string) {
	st.t.Helper()
	var marks strings.Builder
	for full := range st.clients {
		if st.far != nil && full == st.sender.jid { // its mark comes back from where the stanza goes
			fmt.Fprintf(&marks, "<iq type='get' id='mark-%s' to='%s'><x xmlns='urn:example:x'/></iq>", id, bare(to))
			continue
		}
		fmt.Fprintf(&marks, "<message type='headline' id='mark-%s' to='%s'/>", id, full)
	}
	st.sender.send("%s%s", fmt.Sprintf(text, "id='"+id+"' to='"+to+"'"), &marks)
	for full, c := range st.clients {
		missing := 0
		for _, w := range want {
			if strings.HasPrefix(w, st.short(full)+" ") {
				missing++
			}
		}
		for marked := false; !marked || missing > 0; {
			e, err := c.read()
			if err != nil {
				st.t.Fatalf("to %s: %s waits for %q: %v", to, full, want, err)
			}
			marked = marked || e.attr("id") == "mark-"+id
			if what := st.describe(full, id, e); what != "" {
				got = append(got, st.short(full)+" "+what)
				missing--
			}
		}
	}
	slices.Sort(got)
	return got
}

// short is an address without what all have in common.
func (st *stage) short(full string) string {
	name, resource, _ := strings.Cut(strings.TrimPrefix(full, st.prefix), "/")
	local, _, _ := strings.Cut(name, "@")
	return local + "/" + resource
}

// describe says what e is to the session that got it; nothing for what has
// nothing to do with the stanza.
func (st *stage) describe(full, id string, e *element) string {
	for _, direction := range []string{"sent", "received"} {
		if inner := e.child(direction, "forwarded", "message"); inner.attr("id") == id {
			return direction
		}
	}
	toSender := full == st.sender.jid || full == st.other.jid
	switch {
	case strings.HasPrefix(e.attr("id"), "mark-"):
		return ""
	case !toSender && bare(e.attr("from")) == bare(st.sender.jid):
		return e.XMLName.Local
	case toSender && e.condition() != "" && e.attr("id") == id:
		return e.condition()
	case toSender && e.is("presence") && bare(e.attr("from")) != bare(full):
		return e.attr("type")
	}
	return ""
}

// expect reads a cell: what try will list.
func (st *stage) expect(r row, column int, text, id, name, to string) (want []string) {
	st.t.Helper()
	cell := r.cells[column]
	if cell == "as for bare" {
		cell = r.cells[0]
	}
	account, refused := st.cast(name), false
	var direct []string
	stored := false
	switch cell {
	case "most available, else offline":
		direct = account.most()
		stored = len(direct) == 0 && account.exists
		refused = len(direct) == 0 && !account.exists
	case "all with priority ≥ 0, else dropped":
		direct = account.those(func(r resource) bool { return r.available && r.priority >= 0 })
	case "all available, else dropped":
		direct = account.those(func(r resource) bool { return r.available })
	case "that resource":
		direct = account.those(func(r resource) bool { return strings.HasSuffix(to, "/"+r.name) })
	case "the account":
		return st.expectAccount(text, name)
	case "service-unavailable", "bad-request":
		if st.far != nil && st.carbons && cell == "service-unavailable" && isCopied(text) {
			want = []string{"sender/other sent"} // the sender's server did not know
		}
		return append(want, "sender/s "+cell)
	case "dropped":
	default:
		st.t.Fatalf("what is %q?", cell)
	}
	if stored {
		st.stored[name] = append(st.stored[name], id)
	}
	if refused {
		want = append(want, "sender/s service-unavailable")
	}
	kind, _, _ := strings.Cut(strings.TrimPrefix(text, "<"), " ")
	for _, res := range direct {
		want = append(want, name+"/"+res+" "+kind)
	}
	if st.carbons && isCopied(text) {
		want = append(want, "sender/other sent")
		for _, res := range account.resources {
			if !slices.Contains(direct, res.name) && (stored || len(direct) > 0) {
				want = append(want, name+"/"+res.name+" received")
			}
		}
	}
	slices.Sort(want)
	return want
}

// isCopied is XEP-0280 §6.1 for the stanzas of this test.
func isCopied(text string) bool {
	return strings.HasPrefix(text, "<message") && !strings.Contains(text, "headline") && !strings.Contains(text, "groupchat")
}

// expectAccount is what accounts do that know nothing of each other.
func (st *stage) expectAccount(text, name string) (want []string) {
	switch {
	case strings.HasPrefix(text, "<iq type='get'"), strings.HasPrefix(text, "<iq type='set'"):
		return []string{"sender/s service-unavailable"} // nobody knows the namespace
	case strings.Contains(text, "'subscribe'") && !st.cast(name).exists:
		if st.far != nil {
			return nil // RFC 6121 §8.5.1
		}
		return []string{"sender/s item-not-found"} // RFC 6121 §3.1.2
	case strings.Contains(text, "'subscribe'"): // RFC 6121 §3.1.3
		for _, res := range st.cast(name).those(func(r resource) bool { return r.available }) {
			want = append(want, name+"/"+res+" presence")
		}
	}
	slices.Sort(want)
	return want
}

func (st *stage) cast(name string) cast {
	return casts[slices.IndexFunc(casts, func(c cast) bool { return c.name == name })]
}

func (c cast) those(suits func(resource) bool) (names []string) {
	for _, r := range c.resources {
		if suits(r) {
			names = append(names, r.name)
		}
	}
	return names
}

// most are the available resources of the highest priority from 0 on.
func (c cast) most() []string {
	top := -1
	for _, r := range c.resources {
		if r.available {
			top = max(top, r.priority)
		}
	}
	return c.those(func(r resource) bool { return r.available && r.priority == top && top >= 0 })
}

// checkStored has each account come and take what was stored for it.
func (st *stage) checkStored() {
	st.t.Helper()
	for _, cast := range casts {
		if !cast.exists {
			continue
		}
		c := st.server.login(st.account(cast.name)+"/late", "<presence/>")
		for _, id := range st.stored[cast.name] {
			_, m := c.until(func(e *element) bool { return e.is("message") })
			if m.attr("id") != id || m.child("delay").XMLName.Space != "urn:xmpp:delay" {
				st.t.Errorf("%s: stored %s, got %s", c.jid, id, m)
			}
		}
		if more := messages(c.sync()); len(more) > 0 {
			st.t.Errorf("%s: got %s too", c.jid, more[0])
		}
		_ = c.conn.Close()
	}
}
