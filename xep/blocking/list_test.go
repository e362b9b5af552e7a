package blocking

import (
	"slices"
	"testing"

	"github.com/xylem-im/xylem/jid"
)

func TestXEP0191_5_JIDMatching(t *testing.T) {
	for _, c := range []struct {
		entry   string
		matches []string
		others  []string
	}{
		{"romeo@montague.net/orchard", []string{"romeo@montague.net/orchard"},
			[]string{"romeo@montague.net", "romeo@montague.net/x", "montague.net/orchard", "montague.net"}},
		{"romeo@montague.net", []string{"romeo@montague.net", "romeo@montague.net/orchard"},
			[]string{"benvolio@montague.net", "montague.net", "romeo@x.montague.net"}},
		{"montague.net/orchard", []string{"montague.net/orchard", "romeo@montague.net/orchard"},
			[]string{"montague.net", "montague.net/x", "romeo@montague.net"}},
		{"montague.net", []string{"montague.net", "montague.net/x", "romeo@montague.net", "romeo@montague.net/orchard"},
			[]string{"x.montague.net", "romeo@x.montague.net", "net"}},
	} {
		l := list{"a@b", c.entry}
		slices.Sort(l)
		for _, j := range c.matches {
			if !l.matches(jid.MustParse(j)) {
				t.Errorf("%s does not match %s", c.entry, j)
			}
		}
		for _, j := range c.others {
			if l.matches(jid.MustParse(j)) {
				t.Errorf("%s matches %s", c.entry, j)
			}
		}
	}
}

func TestListChanges(t *testing.T) {
	l := list{"a@x", "c@x"}
	merged, added := l.with([]string{"d@x", "b@x", "a@x", "b@x"})
	if !slices.Equal(merged, list{"a@x", "b@x", "c@x", "d@x"}) || !slices.Equal(added, list{"b@x", "d@x"}) {
		t.Errorf("with: %v %v", merged, added)
	}
	rest, removed := merged.without([]string{"c@x", "z@x"})
	if !slices.Equal(rest, list{"a@x", "b@x", "d@x"}) || !slices.Equal(removed, list{"c@x"}) {
		t.Errorf("without: %v %v", rest, removed)
	}
	if !slices.Equal(l, list{"a@x", "c@x"}) {
		t.Errorf("the list itself is now %v", l)
	}
	for _, l := range []list{nil, {"a@x"}, merged} {
		if got, err := decodeList(l.encode()); err != nil || !slices.Equal(got, l) {
			t.Errorf("%v: decoded %v %v", l, got, err)
		}
	}
}

func FuzzDecodeList(f *testing.F) {
	f.Add(list{"a@x", "b@x/y"}.encode())
	f.Add([]byte{})
	f.Add([]byte{listVersion, 200})
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := decodeList(b)
		if err != nil {
			return
		}
		if again, err := decodeList(l.encode()); err != nil || !slices.Equal(again, l) {
			t.Errorf("%x: %v, then %v %v", b, l, again, err)
		}
	})
}
