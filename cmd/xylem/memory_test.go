package main

import "testing"

func TestTrimmer(t *testing.T) {
	const mb = 1 << 20
	var trim trimmer
	for _, look := range []struct {
		name                  string
		allocated, live, held uint64
		looks                 int // before this one, at a server that does nothing
		want                  bool
	}{
		{"just started", 10 * mb, 8 * mb, 30 * mb, 0, false},
		{"busy", 500 * mb, 100 * mb, 200 * mb, 0, false},
		{"still busy", 900 * mb, 100 * mb, 200 * mb, 0, false},
		{"at rest with garbage", 900*mb + 1000, 100 * mb, 200 * mb, 0, true},
		{"nothing new, a moment later", 900*mb + 2000, 100 * mb, 200 * mb, 13, false},
		{"once more", 900*mb + 2500, 100 * mb, 104 * mb, 0, true},
		{"not a third time", 900*mb + 3000, 100 * mb, 130 * mb, 20, false},
		{"busy again", 1000 * mb, 100 * mb, 200 * mb, 0, false},
		{"at rest, little slack", 1000*mb + 1, 100 * mb, 120 * mb, 0, false},
		{"at rest, held less than was live", 1000*mb + 2, 100 * mb, 90 * mb, 0, false},
		{"at rest with slack", 1000*mb + 3, 100 * mb, 126 * mb, 0, true},
		{"busy", 1100 * mb, 100 * mb, 300 * mb, 0, false},
		{"a short pause", 1100*mb + 1, 100 * mb, 300 * mb, 0, false},
		{"at rest for good", 1100*mb + 2, 100 * mb, 300 * mb, 0, false},
	} {
		for range look.looks {
			if trim.due(trim.allocated, look.live, look.live) {
				t.Errorf("before %s: due", look.name)
			}
		}
		if got := trim.due(look.allocated, look.live, look.held); got != look.want {
			t.Errorf("%s: due is %t, want %t", look.name, got, look.want)
		}
	}
}
