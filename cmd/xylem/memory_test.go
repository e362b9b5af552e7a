package main

import "testing"

func TestTrimmer(t *testing.T) {
	const mb = 1 << 20
	var trim trimmer
	for _, look := range []struct {
		name                  string
		allocated, live, held uint64
		want                  bool
	}{
		{"just started", 10 * mb, 8 * mb, 30 * mb, false},
		{"busy", 500 * mb, 100 * mb, 200 * mb, false},
		{"still busy", 900 * mb, 100 * mb, 200 * mb, false},
		{"at rest with garbage", 900*mb + 1000, 100 * mb, 200 * mb, true},
		{"nothing new", 900*mb + 2000, 100 * mb, 200 * mb, false},
		{"a little new", 900*mb + 3000, 100 * mb, 130 * mb, false},
		{"busy again", 1000 * mb, 100 * mb, 200 * mb, false},
		{"at rest, little slack", 1000*mb + 1, 100 * mb, 120 * mb, false},
		{"at rest, held less than was live", 1000*mb + 2, 100 * mb, 90 * mb, false},
		{"at rest with slack", 1000*mb + 3, 100 * mb, 126 * mb, true},
	} {
		if got := trim.due(look.allocated, look.live, look.held); got != look.want {
			t.Errorf("%s: due is %t, want %t", look.name, got, look.want)
		}
	}
}
