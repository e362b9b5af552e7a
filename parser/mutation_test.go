package parser_test

import (
	"testing"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/parser/corpus"
)

// TestMutations damages each template of the corpus at many places with bytes
// that mean something to XML: cut right before, behind and far behind the damage,
// the outcome stays the same.
func TestMutations(t *testing.T) {
	const nasty, step = "<>&'\"/= :]!?x\x00\x80\xC3\xE2\xF0", 37
	sc := parser.NewScanner()
	for _, s := range corpus.Templates() {
		in := []byte(corpus.Header + s + s)
		for at := len(corpus.Header); at < len(in)-len(s); at += step {
			was := in[at]
			for _, c := range []byte(nasty) {
				in[at] = c
				want := trace(sc, nil, whole(in), in)
				for _, cut := range []int{at, at + 1, at + 2, min(at+100, len(in))} {
					if got := trace(sc, nil, splitAt(in, cut), in); got != want {
						t.Fatalf("cut at %d: %q\n got %s\nwant %s", cut, in, got, want)
					}
				}
			}
			in[at] = was
		}
	}
}
