package routing

import (
	"fmt"
	"sync/atomic"
	"testing"
)

// TestShortNamesSpread holds that names that count up fall evenly on shards,
// groups and tags. The seed is fixed, so the outcome is the same in each run.
func TestShortNamesSpread(t *testing.T) {
	s := newSeed()
	s.first, s.last = 0x8f2b_1c6d_93e4_70a5, 0x3d97_e0b8_5a1f_c246
	const names, cells = 1 << 16, 64
	for _, format := range []string{"u%04x", "%06d", "user-%07d", "%08d-abcdefg"} {
		var shards, groups, tags [cells]int
		for i := range names {
			h := s.hash(fmt.Sprintf(format, i))
			shards[h>>58]++
			groups[h&(cells-1)]++
			tags[h>>34&(cells-1)]++ // most of the bits that tagOf takes
		}
		for what, counts := range map[string]*[cells]int{"shards": &shards, "groups": &groups, "tags": &tags} {
			for cell, n := range counts {
				if n < names/cells*3/4 || n > names/cells*5/4 { // eight standard deviations
					t.Errorf("%s: %d of %d fall on %d of %s", format, n, names, cell, what)
				}
			}
		}
	}
}

// TestSiblingsWithOneTag looks for resourceparts that differ where their tags do not.
func TestSiblingsWithOneTag(t *testing.T) {
	d := newDomain("example.com", new(atomic.Uint64))
	resources := []string{"a-my-phone", "b-my-phone", "c-my-phone", "d-my-phone", "e-my-phone", "f-my-phone"} // four have a tag
	for i, r := range resources {
		if resourceTag(r) != resourceTag("x-my-phone") {
			t.Fatalf("the tag of %s is another", r)
		}
		d.Bind("somebody", r, Mailbox(i+1))
	}
	for i, r := range resources {
		if e, ok := d.LookupFull("somebody", r); !ok || e.Mailbox != Mailbox(i+1) || e.Resource != r {
			t.Errorf("%s is %+v, %v", r, e, ok)
		}
	}
	if e, ok := d.LookupFull("somebody", "x-my-phone"); ok {
		t.Errorf("x-my-phone is %+v", e)
	}
}
