package jid_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/jid"
)

var valid = []struct{ name, in, local, domain, resource string }{
	// RFC 7622 §3.5, table 1.
	{"rfc 1", "juliet@example.com", "juliet", "example.com", ""},
	{"rfc 2", "juliet@example.com/foo", "juliet", "example.com", "foo"},
	{"rfc 3", "juliet@example.com/foo bar", "juliet", "example.com", "foo bar"},
	{"rfc 4", "juliet@example.com/foo@bar", "juliet", "example.com", "foo@bar"},
	{"rfc 5", `foo\20bar@example.com`, `foo\20bar`, "example.com", ""},
	{"rfc 6", "fussball@example.com", "fussball", "example.com", ""},
	{"rfc 7", "fußball@example.com", "fußball", "example.com", ""},
	{"rfc 8", "π@example.com", "π", "example.com", ""},
	{"rfc 9", "Σ@example.com/foo", "σ", "example.com", "foo"},
	{"rfc 10", "ς@example.com/foo", "ς", "example.com", "foo"},
	{"rfc 11", "king@example.com/♚", "king", "example.com", "♚"},
	{"rfc 12", "example.com", "", "example.com", ""},
	{"rfc 13", "example.com/foobar", "", "example.com", "foobar"},
	{"rfc 14", "a.example.com/b@example.net", "", "a.example.com", "b@example.net"},
	// Table 2 refuses it against OpaqueString, see the package comment.
	{"rfc 17", "juliet@example.com/ foo", "juliet", "example.com", " foo"},

	{"single label", "alice@localhost", "alice", "localhost", ""},
	{"upper case", "Alice@EXAMPLE.Com/Home", "alice", "example.com", "Home"},
	{"upper case beyond ascii", "ÅSA@BÜCHER.example/ÅSA", "åsa", "bücher.example", "ÅSA"},
	{"fullwidth localpart", "ｊｕｌｉｅｔ@example.com", "juliet", "example.com", ""},
	{"halfwidth katakana", "ｶﾀｶﾅ@example.com", "カタカナ", "example.com", ""},
	{"width is kept in resources", "a@b/ｗｉｄｅ", "a", "b", "ｗｉｄｅ"},
	{"decomposed", "e\u0301@example.com/e\u0301", "é", "example.com", "é"},
	{"spaces of all widths", "a@b/x\u00a0y\u3000z", "a", "b", "x y z"},
	{"hebrew localpart", "שלום@example.com", "שלום", "example.com", ""},
	{"emoji resource", "a@b/📱", "a", "b", "📱"},
	{"slashes in resource", "a@b//c/@", "a", "b", "/c/@"},
	{"specials in localpart", "a!#$%()*+,-.;=?[\\]^_`{|}~@b", "a!#$%()*+,-.;=?[\\]^_`{|}~", "b", ""},

	{"a-label", "a@xn--bcher-kva.example", "a", "bücher.example", ""},
	{"a-label in upper case", "a@XN--BCHER-KVA.example", "a", "bücher.example", ""},
	{"u-label", "a@bücher.example", "a", "bücher.example", ""},
	{"eszett is its own letter", "a@straße.example", "a", "straße.example", ""},
	{"fullwidth domain", "a@ｅｘａｍｐｌｅ．ｃｏｍ", "a", "example.com", ""},
	{"ideographic full stop", "a@例え。テスト", "a", "例え.テスト", ""},
	{"arabic domain", "a@مثال.إختبار", "a", "مثال.إختبار", ""},
	{"final dot", "a@example.com.", "a", "example.com", ""},
	{"final dot and resource", "a@Example.com./r", "a", "example.com", "r"},
	{"final ideographic dot", "a@例え。テスト。", "a", "例え.テスト", ""},
	{"digits", "a@1.2.example", "a", "1.2.example", ""},
	{"hyphens", "a@a-b.c--d.e-f-g", "a", "a-b.c--d.e-f-g", ""},
	{"ipv4", "a@192.0.2.1", "a", "192.0.2.1", ""},
	{"ipv6", "a@[2001:DB8:0:0::1]/r", "a", "[2001:db8::1]", "r"},
	{"ipv6 with ipv4", "[::ffff:192.0.2.1]", "", "[::ffff:192.0.2.1]", ""},

	{"longest localpart", strings.Repeat("a", 1023) + "@b", strings.Repeat("a", 1023), "b", ""},
	{"longest resourcepart", "b/" + strings.Repeat("a", 1023), "", "b", strings.Repeat("a", 1023)},
	{"longest after mapping", strings.Repeat("ａ", 1023) + "@b", strings.Repeat("a", 1023), "b", ""},
	{"longest label", strings.Repeat("a", 63), "", strings.Repeat("a", 63), ""},
	{"longest name", longName, "", longName, ""},
}

// longName has 253 bytes, the most that DNS can carry.
var longName = strings.Repeat(strings.Repeat("a", 62)+".", 4) + "b"

func TestValid(t *testing.T) {
	for _, tc := range valid {
		t.Run(tc.name, func(t *testing.T) {
			j, err := jid.Parse(tc.in)
			if err != nil {
				t.Fatal(err)
			}
			checkParts(t, j, tc.local, tc.domain, tc.resource)
			again, err := jid.Parse(j.String())
			if err != nil || again != j {
				t.Errorf("preparing again: %q, %v", again, err)
			}
			built, err := jid.New(tc.local, tc.domain, tc.resource)
			if err != nil || built != j {
				t.Errorf("New of the parts: %q, %v", built, err)
			}
		})
	}
}

func checkParts(t *testing.T, j jid.JID, local, domain, resource string) {
	t.Helper()
	if j.Local() != local || j.Domain() != domain || j.Resource() != resource {
		t.Errorf("parts %q %q %q, want %q %q %q", j.Local(), j.Domain(), j.Resource(), local, domain, resource)
	}
	want := domain
	if local != "" {
		want = local + "@" + want
	}
	if j.Bare().String() != want {
		t.Errorf("bare %q, want %q", j.Bare(), want)
	}
	if resource != "" {
		want += "/" + resource
	}
	if j.String() != want {
		t.Errorf("string %q, want %q", j, want)
	}
	if j.DomainJID().String() != domain {
		t.Errorf("domain %q, want %q", j.DomainJID(), domain)
	}
	if j.IsZero() || j.IsFull() != (resource != "") || j.IsBare() == j.IsFull() ||
		j.IsDomain() != (local == "" && resource == "") {
		t.Errorf("zero %v full %v bare %v domain %v", j.IsZero(), j.IsFull(), j.IsBare(), j.IsDomain())
	}
}

var invalid = []struct {
	name, in string
	part     jid.Part
	reason   error
}{
	// RFC 7622 §3.5, table 2.
	{"rfc 15", `"juliet"@example.com`, jid.PartLocal, jid.ErrExcluded},
	{"rfc 16", "foo bar@example.com", jid.PartLocal, jid.ErrProfile},
	{"rfc 18", "@example.com/", jid.PartLocal, jid.ErrEmpty},
	{"rfc 19", "henry\u2163@example.com", jid.PartLocal, jid.ErrProfile},
	{"rfc 20", "♚@example.com", jid.PartLocal, jid.ErrProfile},
	{"rfc 21", "juliet@", jid.PartDomain, jid.ErrEmpty},
	{"rfc 22", "/foobar", jid.PartDomain, jid.ErrEmpty},

	{"nothing", "", jid.PartDomain, jid.ErrEmpty},
	{"only at", "@", jid.PartLocal, jid.ErrEmpty},
	{"only slash", "/", jid.PartDomain, jid.ErrEmpty},
	{"empty resource", "a@b/", jid.PartResource, jid.ErrEmpty},
	{"empty domain before resource", "a@/b", jid.PartDomain, jid.ErrEmpty},

	{"ampersand", "a&b@c", jid.PartLocal, jid.ErrExcluded},
	{"apostrophe", "a'b@c", jid.PartLocal, jid.ErrExcluded},
	{"colon", "a:b@c", jid.PartLocal, jid.ErrExcluded},
	{"less", "a<b@c", jid.PartLocal, jid.ErrExcluded},
	{"greater", "a>b@c", jid.PartLocal, jid.ErrExcluded},
	{"excluded among letters", "ä:b@c", jid.PartLocal, jid.ErrExcluded},
	{"fullwidth at", "a\uff20b@c", jid.PartLocal, jid.ErrExcluded},
	{"fullwidth solidus", "a\uff0fb@c", jid.PartLocal, jid.ErrExcluded},
	{"emoji localpart", "a📱@c", jid.PartLocal, jid.ErrProfile},
	{"ideographic space", "a\u3000b@c", jid.PartLocal, jid.ErrProfile},
	{"control in localpart", "a\x01@c", jid.PartLocal, jid.ErrProfile},
	{"delete in localpart", "a\x7f@c", jid.PartLocal, jid.ErrProfile},
	{"mixed directions", "aש@c", jid.PartLocal, jid.ErrProfile},
	{"soft hyphen", "a\u00adb@c", jid.PartLocal, jid.ErrProfile},
	{"localpart not utf-8", "a\xff@c", jid.PartLocal, jid.ErrUTF8},
	{"localpart with a surrogate", "a\xed\xa0\x80@c", jid.PartLocal, jid.ErrUTF8},
	{"localpart too long", strings.Repeat("a", 1024) + "@b", jid.PartLocal, jid.ErrTooLong},
	{"localpart too long in bytes", strings.Repeat("ä", 512) + "@b", jid.PartLocal, jid.ErrTooLong},
	{"localpart much too long", strings.Repeat("\uff41", 100_000) + "@b", jid.PartLocal, jid.ErrTooLong},

	{"second at", "a@b@c", jid.PartDomain, jid.ErrDomain},
	{"space", "a@b c", jid.PartDomain, jid.ErrDomain},
	{"underscore", "a@b_c", jid.PartDomain, jid.ErrDomain},
	{"port", "a@b:5222", jid.PartDomain, jid.ErrDomain},
	{"only dot", "a@.", jid.PartDomain, jid.ErrEmpty},
	{"two final dots", "a@b..", jid.PartDomain, jid.ErrDomain},
	{"two final dots, one ideographic", "a@b.。", jid.PartDomain, jid.ErrDomain},
	{"empty label", "a@b..c", jid.PartDomain, jid.ErrDomain},
	{"leading dot", "a@.b", jid.PartDomain, jid.ErrDomain},
	{"leading hyphen", "a@-b", jid.PartDomain, jid.ErrDomain},
	{"trailing hyphen", "a@b-.c", jid.PartDomain, jid.ErrDomain},
	{"hyphens in third and fourth place", "a@ab--c", jid.PartDomain, jid.ErrDomain},
	{"broken a-label", "a@xn--a.example", jid.PartDomain, jid.ErrDomain},
	{"a-label of ascii", "a@xn--abc-.example", jid.PartDomain, jid.ErrDomain},
	{"snowman", "a@☃.example", jid.PartDomain, jid.ErrDomain},
	{"snowman as a-label", "a@xn--n3h.example", jid.PartDomain, jid.ErrDomain},
	{"emoji domain", "a@💩.example", jid.PartDomain, jid.ErrDomain},
	{"joiner without its script", "a@a\u200db.example", jid.PartDomain, jid.ErrDomain},
	{"label too long", strings.Repeat("a", 64), jid.PartDomain, jid.ErrDomain},
	{"label too long as a-label", strings.Repeat("ü", 62), jid.PartDomain, jid.ErrDomain},
	{"name too long", longName + "b", jid.PartDomain, jid.ErrTooLong},
	{"domain not utf-8", "a@b\xff", jid.PartDomain, jid.ErrUTF8},
	{"fullwidth at in domain", "b\uff20c", jid.PartDomain, jid.ErrDomain},
	{"fullwidth solidus in domain", "b\uff0fc", jid.PartDomain, jid.ErrDomain},
	{"ipv4 in brackets", "[192.0.2.1]", jid.PartDomain, jid.ErrDomain},
	{"ipv6 with a zone", "[fe80::1%eth0]", jid.PartDomain, jid.ErrDomain},
	{"ipv6 without brackets", "2001:db8::1", jid.PartDomain, jid.ErrDomain},
	{"open bracket", "[::1", jid.PartDomain, jid.ErrDomain},
	{"name in brackets", "[example.com]", jid.PartDomain, jid.ErrDomain},
	{"only bracket", "[", jid.PartDomain, jid.ErrDomain},

	{"tab in resource", "a@b/\t", jid.PartResource, jid.ErrProfile},
	{"newline in resource", "a@b/x\ny", jid.PartResource, jid.ErrProfile},
	{"nul in resource", "a@b/\x00", jid.PartResource, jid.ErrProfile},
	{"variation selector in resource", "a@b/❤\ufe0f", jid.PartResource, jid.ErrProfile},
	{"private use in resource", "a@b/\ue000", jid.PartResource, jid.ErrProfile},
	{"resource not utf-8", "a@b/\xc3", jid.PartResource, jid.ErrUTF8},
	{"resource too long", "a@b/" + strings.Repeat("a", 1024), jid.PartResource, jid.ErrTooLong},
	{"resource too long in bytes", "a@b/" + strings.Repeat("ä", 512), jid.PartResource, jid.ErrTooLong},
}

func TestInvalid(t *testing.T) {
	for _, tc := range invalid {
		t.Run(tc.name, func(t *testing.T) {
			j, err := jid.Parse(tc.in)
			var e *jid.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %q, %v", j, err)
			}
			if e.Part != tc.part || e.Reason != tc.reason || !errors.Is(err, tc.reason) {
				t.Errorf("got %v, want %v of the %v", err, tc.reason, tc.part)
			}
			if !j.IsZero() {
				t.Errorf("an error came with %q", j)
			}
		})
	}
}

func TestNewRefusesSeparatorsInParts(t *testing.T) {
	for _, p := range [][3]string{{"a@b", "c", ""}, {"a/b", "c", ""}, {"a", "b/c", ""}, {"a", "b@c", ""}, {"", "", "r"}} {
		if j, err := jid.New(p[0], p[1], p[2]); err == nil {
			t.Errorf("New(%q) is %q", p, j)
		}
	}
}

func TestMustParsePanicsOnError(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	jid.MustParse("@")
}
