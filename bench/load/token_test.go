package load

import (
	"strings"
	"testing"
)

func TestTokenRoundTrip(t *testing.T) {
	for _, want := range []token{{}, {7, 42, 123456789}, {1 << 30, 1 << 60, 1 << 62}} {
		got, ok, stray := parseToken(want.append(nil, "run"), "run")
		if got != want || !ok || stray {
			t.Errorf("%v became %v, %v, %v", want, got, ok, stray)
		}
		if _, ok, stray := parseToken(want.append(nil, "old"), "run"); ok || !stray {
			t.Errorf("%v of another run: %v, %v", want, ok, stray)
		}
	}
	for _, bad := range []string{"", "run", "run.", "run.1.2", "run.1.2.", "run.a.2.3", "run.-1.2.3", "run.1.2." + strings.Repeat("9", 20)} {
		if got, ok, stray := parseToken([]byte(bad), "run"); ok || stray {
			t.Errorf("%q is taken as %v", bad, got)
		}
	}
}

func TestFlow(t *testing.T) {
	for _, test := range []struct {
		name             string
		numbers          []uint64
		sent             uint64
		lost, dup, order int64
	}{
		{"in order", []uint64{0, 1, 2}, 3, 0, 0, 0},
		{"nothing", nil, 2, 2, 0, 0},
		{"gap", []uint64{0, 3}, 4, 2, 0, 0},
		{"tail", []uint64{0, 1}, 5, 3, 0, 0},
		{"late", []uint64{0, 2, 1}, 3, 0, 0, 1},
		{"twice", []uint64{0, 0, 1, 1}, 2, 0, 2, 0},
		{"late and twice", []uint64{1, 0, 0}, 2, 0, 1, 1},
		{"absurd", []uint64{1 << 62}, 1, 1 << 20, 0, 0}, // bounded, not listed one by one
	} {
		var f flow
		for _, n := range test.numbers {
			f.take(n)
		}
		if lost := f.lost(test.sent); lost != test.lost || f.duplicated != test.dup || f.reordered != test.order {
			t.Errorf("%s: lost %d, duplicated %d, reordered %d", test.name, lost, f.duplicated, f.reordered)
		}
	}
}

func TestMessageHasItsSize(t *testing.T) {
	const content = "<active xmlns='http://jabber.org/protocol/chatstates'/>"
	for _, size := range []int{MinPayload, 350, 1000, 70000} {
		for _, content := range []string{"", content} {
			size := size + len(content)
			tmpl := newTemplate("bench12345@localhost", "d1x2y3z4w5", size, content)
			for _, tok := range []token{{}, {12345, 99999, 60e9}} {
				got := string(tmpl.append(nil, tok))
				if len(got) != size || !strings.HasSuffix(got, "</body>"+content+"</message>") {
					t.Errorf("%d bytes, want %d: %s", len(got), size, got)
				}
			}
		}
	}
}
