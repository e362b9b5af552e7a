//go:build expat

package parser_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/parser/corpus"
)

// TestExpat compares with expat, the tokenizer of many C and Lua servers, on the
// corpus. The two take turns, as the machine may be fast in one second and slow in the next. It
// needs a C compiler and expat's header:
//
//	go test -tags expat -run Expat -v ./parser
func TestExpat(t *testing.T) {
	const turns, rounds = 15, 8
	dir := t.TempDir()
	in, _ := corpus.MiB()
	doc := append(append([]byte(corpus.Header), in...), corpus.Footer...)
	file, bin := filepath.Join(dir, "corpus.xml"), filepath.Join(dir, "expat")
	if err := os.WriteFile(file, doc, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cc", "-O2", "-o", bin, "testdata/expat.c", "-lexpat").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	sc := parser.NewScanner()
	st := opened(t, sc)
	var ours, theirs, ratios []float64
	for range turns {
		out, err := exec.Command(bin, file, strconv.Itoa(rounds)).Output()
		if err != nil {
			t.Fatal(err)
		}
		expat, err := strconv.ParseFloat(string(bytes.TrimSpace(out)), 64)
		if err != nil {
			t.Fatal(err)
		}
		best := time.Hour
		for range rounds {
			began := time.Now()
			scanAll(t, sc, st, in)
			best = min(best, time.Since(began))
		}
		own := float64(len(in)) / best.Seconds() / 1e6
		ours, theirs, ratios = append(ours, own), append(theirs, expat), append(ratios, own/expat)
	}
	for _, figures := range [][]float64{ours, theirs, ratios} {
		slices.Sort(figures)
	}
	t.Logf("medians of %d turns: parser %.0f MB/s, expat %.0f MB/s, ratio %.1f (%.1f to %.1f)", turns,
		ours[turns/2], theirs[turns/2], ratios[turns/2], ratios[0], ratios[turns-1])
}
