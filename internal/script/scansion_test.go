package script_test

import (
	"strings"
	"testing"

	"github.com/xylem-im/xylem/internal/script"
)

const scansion = `# A play in the other format

[Client] Alice
	jid: alice@localhost
	password: secret

[Client] Alice's phone
	jid: alice@localhost
	password: secret
	resource: mobile

-----

Alice connects

Alice's phone connects

Alice sends:
	<message to="${Alice's phone's full JID}" id='{scansion:capture:nonce}1'>
		# a remark
		<body>for ${Alice's JID}</body>
		<x xmlns='urn:x' a='1'><y/></x>
	</message>

Alice's phone receives:
	<message from="${Alice's full JID}">
		<body>for ${Alice's JID}</body>
		<x xmlns='urn:x' scansion:strict='false'/>
	</message>

Alice disconnects
`

func TestScansion(t *testing.T) {
	text := strings.Replace(scansion, "{scansion:capture:nonce}", "", 1)
	p, err := script.ParseScansion("x.scs", text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Perform(newServer(t).dial, script.Options{}); err != nil {
		t.Error(err)
	}
	strict := strings.Replace(text, "strict='false'", "strict='true'", 1)
	if p, err = script.ParseScansion("x.scs", strict); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Perform(newServer(t).dial, script.Options{}); err == nil || !strings.Contains(err.Error(), `unexpected attribute a="1"`) {
		t.Errorf("strict: error %v", err)
	}
}

func TestScansionErrors(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"nobody", "Romeo connects\n", `x.scs:1: cannot read "Romeo connects"`},
		{"address", "[Client] Romeo\n\tjid: localhost\n", `x.scs:2: jid "localhost"`},
		{"block", "\t<x/>\n", "x.scs:1: a block that belongs to no step"},
		{"nothing", "[Client] Romeo\n\tjid: a@b\n", "x.scs: no steps"},
	} {
		if _, err := script.ParseScansion("x.scs", test.text); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
}
