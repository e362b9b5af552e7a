package hugepages_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/engine/hugepages"
)

const maps = `00400000-004ab000 r-xp 00000000 fe:00 10029484                           /usr/local/bin/xylem
00599000-005cf000 rw-p 00000000 00:00 0 
1fc6b0000000-1fc6b3c00000 ---p 00000000 00:00 0 
1fc6b3c00000-1fc6b4000000 rw-p 00000000 00:00 0 
1fc6b4000000-1fc6b8000000 rw-p 00000000 00:00 0                          [anon: Go: heap]
1fc6b8000000-1fc6b8001000 rw-p 00000000 fe:00 77                         /var/lib/xylem/000001.mem
1fc6b8001000-1fc6b8002000 rw-s 00000000 00:00 0 
7f1dd8a40000-7f1dd8c00000 rw-p 00000000 00:00 0 
7ffd3f8ad000-7ffd3f8ce000 rw-p 00000000 00:00 0                          [stack]
`

func TestOnlyTheHeapIsFound(t *testing.T) {
	got, err := hugepages.ReadSpans(strings.NewReader(maps), 0x1fc6b3c12345)
	want := []hugepages.Span{hugepages.MakeSpan(0x1fc6b3c00000, 0x1fc6b4000000), hugepages.MakeSpan(0x1fc6b4000000, 0x1fc6b8000000)}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %x, %v, want %x", got, err, want)
	}
}

func TestMapsAreChecked(t *testing.T) {
	for _, line := range []string{"zz-00599000 rw-p 00000000 00:00 0\n", "00400000-zz rw-p 00000000 00:00 0\n", "00400000 rw-p 00000000 00:00 0\n"} {
		if got, err := hugepages.ReadSpans(strings.NewReader(line), 0); err == nil {
			t.Errorf("%q: got %x, want an error", line, got)
		}
	}
}

func TestBlocksLieInside(t *testing.T) {
	for _, c := range []struct {
		from, to uintptr
		want     []uintptr
	}{
		{0x400000, 0x800000, []uintptr{0x400000, 0x600000}},
		{0x401000, 0x9ff000, []uintptr{0x600000}},
		{0x401000, 0x7ff000, nil},
		{0x400000, 0x401000, nil},
	} {
		if got := hugepages.MakeSpan(c.from, c.to).Blocks(0x200000); !slices.Equal(got, c.want) {
			t.Errorf("%x to %x: got %x, want %x", c.from, c.to, got, c.want)
		}
	}
}
