package parser_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/parser/corpus"
)

// TestEndOfPage puts each input, cut at each place, right before a page that
// cannot be read: a load that reaches beyond the slice ends the test with a fault.
func TestEndOfPage(t *testing.T) {
	page := unix.Getpagesize()
	mem, err := unix.Mmap(-1, 0, 3*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Munmap(mem); err != nil {
			t.Error(err)
		}
	}()
	if err := unix.Mprotect(mem[2*page:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	inputs := append(corpus.Templates(), fuzzSeeds...)
	sc := parser.NewScanner()
	for _, in := range inputs {
		for n := range len(in) + 1 {
			at := mem[2*page-n : 2*page]
			copy(at, in[:n])
			st := opened(t, sc)
			for rest := at; len(rest) > 0; {
				f, k, err := sc.Next(st, rest)
				if f == nil || err != nil {
					break
				}
				rest = rest[k:]
				f.Attrs()
				f.Children()
				_ = outline(f.Element())
			}
			sc.Release(st)
		}
	}
}
