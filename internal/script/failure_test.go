package script_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/xylem-im/xylem/internal/script"
)

const cast = `client alice = alice@localhost/phone
client bob = bob@localhost/desk
raw eve
`

// both has alice and bob connected.
const both = cast + `alice connects
bob connects
`

func perform(t *testing.T, text string, opts script.Options) (string, error) {
	t.Helper()
	p, err := script.Parse("test.play", text)
	if err != nil {
		t.Fatal(err)
	}
	return p.Perform(newServer(t).dial, opts)
}

// TestFailures holds that a play does fail, at the right line and with a
// message that says why.
func TestFailures(t *testing.T) {
	const sent = both + "alice sends\n\t<message to=\"{bob}\" id=\"1\"><body>Hello</body></message>\n"
	for _, test := range []struct {
		name, play string
		line       int
		want       string
	}{
		{"other text", sent + "bob receives\n\t<message to=\"{bob}\" from=\"{alice}\" id=\"1\"><body>Hi</body></message>", 8, `message/body: expected "Hi", received "Hello"`},
		{"other attribute", sent + "bob receives\n\t<message to=\"{bob}\" from=\"{bob}\" id=\"1\"><body>Hello</body></message>", 8, `message/@from: expected "{bob}", received "alice@localhost/phone"`},
		{"more attributes", sent + "bob receives\n\t<message to=\"{bob}\" from=\"{alice}\"><body>Hello</body></message>", 8, `unexpected attribute id="1"`},
		{"fewer attributes", sent + "bob receives\n\t<message to=\"{bob}\" from=\"{alice}\" id=\"1\" type=\"chat\"><body>Hello</body></message>", 8, `no attribute type="chat"`},
		{"more children", sent + "bob receives\n\t<message to=\"{bob}\" from=\"{alice}\" id=\"1\"/>", 8, "unexpected <body>"},
		{"fewer children", sent + "bob receives\n\t<message to=\"{bob}\" from=\"{alice}\" id=\"1\"><body>Hello</body><subject/></message>", 8, "no <subject>"},
		{"other namespace", sent + "bob receives\n\t<message to=\"{bob}\" from=\"{alice}\" id=\"1\"><body xmlns=\"urn:x\">Hello</body></message>", 8, "expected <{urn:x}body>, received <body>"},
		{"white space", sent + "bob receives\n\t<message to=\"{bob}\" from=\"{alice}\" id=\"1\"><body>Hello </body></message>", 8, `expected "Hello ", received "Hello"`},
		{"other element", sent + "bob receives\n\t<iq/>", 8, "expected <iq>, received <message>"},
		{"nothing expected", sent + "bob receives nothing", 8, "bob receives nothing, but received:\n\t<message"},
		{"left at the end", sent, 7, "bob had nothing more to receive, but received:\n\t<message"},
		{"left at a disconnect", sent + "alice syncs\nbob syncs\nalice receives nothing\nbob disconnects", 11, "bob disconnects, but received"},
		{"wrong order", sent + "alice sends\n\t<message to=\"{bob}\" id=\"2\"/>\nbob receives\n\t<message play:more=\"all\" id=\"2\"/>\n\t<message play:more=\"all\" id=\"1\"/>", 10, `number 1: message/@id: expected "2", received "1"`},
		{"empty block", both + "bob receives\n", 6, "the block is empty"},
		{"unknown name", both + "alice sends\n\t<message to=\"{carol}\"/>", 6, "nothing is remembered as {carol}"},
		{"remembered differs", both + "alice sends\n\t<message to=\"{bob}\" id=\"{id:m}\"/><message to=\"{bob}\" id=\"other\"/>\nbob receives\n\t<message from=\"{any}\" to=\"{any}\" id=\"{m}\"/>\n\t<message from=\"{any}\" to=\"{any}\" id=\"{id:m}\"/>", 8, `number 2: message/@id: expected "{id:m}", received "other"`},
		{"not connected", cast + "alice sends\n\t<presence/>", 4, "alice is not connected"},
		{"connected twice", both + "alice connects", 6, "alice is connected already"},
		{"let in", cast + "alice cannot connect\n\t<failure xmlns=\"urn:ietf:params:xml:ns:xmpp-sasl\"/>", 4, "it was let in"},
		{"refused", "client alice = alice@localhost password guess\nalice connects", 2, "refused: <failure"},
		{"mechanism", "client alice = alice@localhost mechanism SCRAM-SHA-1\nalice connects", 2, "SCRAM-SHA-1 is not offered"},
		{"not disconnected", cast + "eve connects\neve is disconnected", 5, "nothing came within"}, // all before needs no time
		{"TLS", cast + "eve connects\neve starts tls", 5, "no TLS in this performance"},
	} {
		t.Run(test.name, func(t *testing.T) {
			opts := script.Options{}
			if test.name == "not disconnected" {
				opts.Timeout = time.Millisecond * 200
			}
			_, err := perform(t, test.play, opts)
			if err == nil {
				t.Fatal("the play passed")
			}
			if at := fmt.Sprintf("test.play:%d: ", test.line); !strings.HasPrefix(err.Error(), at) {
				t.Errorf("not at %q: %.100s", at, err)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("no %q in:\n%v", test.want, err)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	for _, test := range []struct{ name, play, want string }{
		{"nothing", "# silence\n", "x.play: no steps"},
		{"cast", "client Alice = a@b\n", "x.play:1: name \"Alice\": want lower-case"},
		{"declaration", "client alice a@b\n", "x.play:1: want client NAME ="},
		{"reserved", "raw any\n", "x.play:1: name \"any\" has a meaning"},
		{"twice", "raw eve\nraw eve\n", "x.play:2: eve is in the cast already"},
		{"nobody", "raw eve\nbob connects\n", `x.play:2: nobody called "bob"`},
		{"verb", "raw eve\neve sings\n", `x.play:2: eve cannot "sings"`},
		{"tls", "client a = a@b\na starts tls\n", "x.play:2: \"starts tls\" is for raw connections"},
		{"block", "raw eve\n\t<x/>\n", "x.play:2: a block that belongs to no step"},
		{"block of none", "raw eve\neve connects\n\t<x/>\n", "x.play:3: a block that belongs to no step"},
		{"open", "raw eve\neve receives\n\t<message>\n", "x.play:2: what eve receives: ended inside <message>"},
		{"mismatched", "raw eve\neve receives\n\t<a></b>\n", "<a> ended by </b>"},
		{"prefix", "raw eve\neve receives\n\t<p:a/>\n", `prefix "p" is not declared`},
		{"attribute", "raw eve\neve receives\n\t<a b='1' b='2'/>\n", "attribute b twice"},
		{"comment", "raw eve\neve receives\n\t<!-- no -->\n", "restricted XML"},
		{"text", "raw eve\neve receives\n\tnothing at all\n", `text "nothing at all" between stanzas`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := script.Parse("x.play", test.play)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

// TestRewrite makes a play true: what differs is replaced, what came unasked is
// stated, braces that fit stay, comments stay. The result passes as it is.
func TestRewrite(t *testing.T) {
	const before = both + `# A greeting.
alice sends
	<message to="{bob}" id="{id:m}"><body>curly {{ brace</body><x xmlns="urn:x"/></message>
	<message to="{bob}" id="2"/>
	<message to="{alice}" id="3"/>

bob receives
	<message from="{alice}" to="{any}" id="{m}"><body>old</body></message>
# More to come.
bob receives nothing
alice receives
`
	const after = both + `# A greeting.
alice sends
	<message to="{bob}" id="{id:m}"><body>curly {{ brace</body><x xmlns="urn:x"/></message>
	<message to="{bob}" id="2"/>
	<message to="{alice}" id="3"/>

bob receives
	<message from="{alice}" id="{m}" to="{any}">
		<body>curly {{ brace</body>
		<x xmlns="urn:x"/>
	</message>
# More to come.
bob receives
	<message from="alice@localhost/phone" id="2" to="bob@localhost/desk"/>
alice receives
	<message from="alice@localhost/phone" id="3" to="alice@localhost/phone"/>
`
	got, err := perform(t, before, script.Options{Rewrite: true})
	if err != nil {
		t.Fatal(err)
	}
	if got != after {
		t.Errorf("rewritten to:\n%s\nwant:\n%s", got, after)
	}
	if _, err := perform(t, after, script.Options{}); err != nil {
		t.Errorf("the rewritten play fails: %v", err)
	}
}

// TestAccounts holds that each account of the cast is asked for once.
func TestAccounts(t *testing.T) {
	p, err := script.Parse("x.play", "client a = x@b/1\nclient b = x@b/2 password p\nclient c = y@b password q\nraw d\na connects\n")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(p.Accounts()); got != "[{x@b secret} {y@b q}]" {
		t.Errorf("accounts %s", got)
	}
}
