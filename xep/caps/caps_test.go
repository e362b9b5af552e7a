package caps_test

import (
	"crypto/sha1"
	"encoding/base64"
	"testing"

	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/xep"
	"github.com/xylem-im/xylem/xep/caps"
	"github.com/xylem-im/xylem/xep/disco"
)

func TestPlays(t *testing.T) { enginetest.Plays(t, disco.New(disco.Options{}), caps.Register) }

var exodusFeatures = []string{
	"http://jabber.org/protocol/muc",
	"http://jabber.org/protocol/disco#items",
	"http://jabber.org/protocol/disco#info",
	"http://jabber.org/protocol/caps",
}

func TestXEP0115_5_2_SimpleGenerationExample(t *testing.T) {
	got := caps.Ver([]xep.Identity{{Category: "client", Type: "pc", Name: "Exodus 0.9.1"}}, exodusFeatures, nil)
	if want := "QgayPKawpkPSDYmwT/WM94uAlu0="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestXEP0115_5_3_ComplexGenerationExample(t *testing.T) {
	identities := []xep.Identity{
		{Category: "client", Type: "pc", Name: "Psi 0.11", Lang: "en"},
		{Category: "client", Type: "pc", Name: "Ψ 0.11", Lang: "el"},
	}
	form := xep.Form{Type: "urn:xmpp:dataforms:softwareinfo", Fields: []xep.Field{
		{Name: "software_version", Values: []string{"0.11"}},
		{Name: "ip_version", Values: []string{"ipv6", "ipv4"}},
		{Name: "software", Values: []string{"Psi"}},
		{Name: "os_version", Values: []string{"10.5.1"}},
		{Name: "os", Values: []string{"Mac"}},
	}}
	got := caps.Ver(identities, exodusFeatures, []xep.Form{form})
	if want := "q07IKJEyjvHSyhy//CH0CxmKi8w="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if form.Fields[1].Values[0] != "ipv6" {
		t.Error("the argument was sorted")
	}
}

// What ends a part must not take part in sorting.
func TestXEP0115_5_1_SortsByPartsNotByText(t *testing.T) {
	forms := []xep.Form{{Type: "urn:a:b"}, {Type: "urn:a"}}
	identities := []xep.Identity{{Category: "a-b", Type: "x"}, {Category: "a", Type: "x"}}
	got := caps.Ver(identities, nil, forms)
	if want := sha("a/x//<a-b/x//<urn:a<urn:a:b<"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func sha(text string) string {
	sum := sha1.Sum([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func TestXEP0115_6_3_StreamFeatureAndNode(t *testing.T) {
	r := xep.NewRegistry()
	if err := enginetest.All(caps.Register, disco.New(disco.Options{}))(r); err != nil {
		t.Fatal(err)
	}
	r.Freeze()
	const ver = "rF93x7iKTnuaPR69TR6rcL4zW5w="
	want := "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://github.com/xylem-im/xylem' ver='" + ver + "'/>"
	if got := string(r.StreamFeatures()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if !r.HasNode(xep.Server, caps.Node+"#"+ver) || r.HasNode(xep.Account, caps.Node+"#"+ver) {
		t.Error("the node is not the server's, or not only")
	}
}
