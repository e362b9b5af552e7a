package offline

import (
	"testing"

	"github.com/xylem-im/xylem/internal/stanzatest"
	"github.com/xylem-im/xylem/stanza"
)

func TestXEP0160_3_MessagesAreHandledByType(t *testing.T) {
	const (
		hint  = " xmlns='" + stanza.NSHints + "'/>"
		state = "<composing xmlns='" + stanza.NSChatStates + "'/>"
		body  = "<body>hi</body>"
	)
	for _, c := range []struct {
		name, message string
		want          fate
	}{
		{"normal", "<message>" + body + "</message>", stored},
		{"normal by name", "<message type='normal'>" + body + "</message>", stored},
		{"unknown type is normal", "<message type='x'>" + body + "</message>", stored},
		{"empty", "<message/>", stored},
		{"chat", "<message type='chat'>" + body + "</message>", stored},
		{"chat without body", "<message type='chat'><x xmlns='urn:x'/></message>", stored},
		{"chat with state", "<message type='chat'>" + body + state + "</message>", stored},
		{"chat state only", "<message type='chat'>" + state + "</message>", dropped},
		{"chat state and thread", "<message type='chat'>" + state + "<thread>1</thread></message>", dropped},
		{"thread only", "<message type='chat'><thread>1</thread></message>", stored},
		{"chat state of type normal", "<message>" + state + "</message>", stored},
		{"chat state to be stored", "<message type='chat'>" + state + "<store" + hint + "</message>", stored},
		{"chat state not to be stored", "<message>" + state + "<no-store" + hint + "</message>", dropped},
		{"no-store", "<message type='chat'>" + body + "<no-store" + hint + "</message>", refused},
		{"no-store beats store", "<message type='chat'>" + body + "<store" + hint + "<no-store" + hint + "</message>", refused},
		{"no-permanent-store", "<message type='chat'>" + body + "<no-permanent-store" + hint + "</message>", stored},
		{"no-store of another namespace", "<message>" + body + "<no-store xmlns='urn:x'/></message>", stored},
		{"hint below the first level", "<message><x xmlns='urn:x'><no-store" + hint + "</x></message>", stored},
		{"groupchat", "<message type='groupchat'>" + body + "</message>", refused},
		{"headline", "<message type='headline'>" + body + "<store" + hint + "</message>", refused},
		{"error", "<message type='error'>" + body + "<store" + hint + "</message>", refused},
	} {
		if got := storable(stanzatest.Of(t, c.message)); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestStamp(t *testing.T) {
	const delay = "<delay xmlns='urn:xmpp:delay' from='capulet.com' stamp='2002-09-10T23:08:25.000Z'/>"
	const now = 1031699305000000000
	for _, c := range [][2]string{
		{"<message to='a@b'/>", "<message to='a@b'>" + delay + "</message>"},
		{"<message/>", "<message>" + delay + "</message>"},
		{"<message\n/>", "<message\n>" + delay + "</message>"},
		{"<message><a/></message>", "<message><a/>" + delay + "</message>"},
		{"<message>x</message >", "<message>x" + delay + "</message>"},
		{"<c:message xmlns:c='jabber:client' xmlns='x'><a/></c:message>", "<c:message xmlns:c='jabber:client' xmlns='x'><a/>" + delay + "</c:message>"},
	} {
		got := string(stanza.AppendDelayed(nil, []byte(c[0]), "capulet.com", now))
		if got != c[1] {
			t.Errorf("%s:\n got %s\nwant %s", c[0], got, c[1])
		}
		if string(stanzatest.Of(t, got).Frame.Raw()) != got {
			t.Errorf("%s: not one stanza", got)
		}
	}
}

// testEntry is an entry with what goes into its record.
func testEntry(from string, xml []byte) *entry {
	b := newRecord(from, len(xml))
	return &entry{buf: append(b, xml...), head: len(b)}
}

func TestRecord(t *testing.T) {
	const from = "romeo@montague.net/orchard"
	e := testEntry(from, []byte("<message/>"))
	for _, total := range []uint64{0, 10, 1 << 40} {
		b := e.record(total)
		r, err := parseRecord(b)
		if err != nil || r.total != total || string(r.from) != from || string(r.xml) != "<message/>" {
			t.Errorf("%d: %+v %v", total, r, err)
		}
		for cut := range len(b) - len(e.xml()) {
			if _, err := parseRecord(b[:cut]); err == nil {
				t.Errorf("%d: cut to %d bytes: no error", total, cut)
			}
		}
	}
	if _, err := parseRecord([]byte{2, 0, 0}); err == nil {
		t.Error("version 2: no error")
	}
	if n, err := numberOf(key(1<<40 + 7)); n != 1<<40+7 || err != nil {
		t.Error(n, err)
	}
	if _, err := numberOf([]byte("short")); err == nil {
		t.Error("short key: no error")
	}
}

func FuzzParseRecord(f *testing.F) {
	e := testEntry("a@b/c", []byte("<message/>"))
	f.Add(e.record(300))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseRecord(b)
		if err != nil {
			return
		}
		again := testEntry(string(r.from), r.xml).record(r.total)
		r2, err := parseRecord(again)
		if err != nil || string(r2.from) != string(r.from) || string(r2.xml) != string(r.xml) || r2.total != r.total {
			t.Errorf("%x: %+v, then %+v %v", b, r, r2, err)
		}
	})
}
