package parser_test

import (
	"bytes"
	"encoding/xml"
	"io"
	"testing"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/parser/corpus"
)

// opened returns a stream behind its header.
func opened(tb testing.TB, sc *parser.Scanner) *parser.Stream {
	tb.Helper()
	st := new(parser.Stream)
	f, n, err := sc.Next(st, []byte(corpus.Header))
	if err != nil || f == nil || n != len(corpus.Header) {
		tb.Fatalf("header: frame %v, %d bytes, error %v", f, n, err)
	}
	return st
}

// scanAll scans whole stanzas and returns their number.
func scanAll(tb testing.TB, sc *parser.Scanner, st *parser.Stream, in []byte) (stanzas int) {
	for len(in) > 0 {
		f, n, err := sc.Next(st, in)
		if err != nil || f == nil {
			tb.Fatalf("frame %v, error %v", f, err)
		}
		in = in[n:]
		stanzas++
	}
	return stanzas
}

// BenchmarkScanner and BenchmarkEncodingXML read the same bytes; the ratio of
// their MB/s is the figure to quote.
func BenchmarkScanner(b *testing.B) {
	in, want := corpus.MiB()
	sc := parser.NewScanner()
	st := opened(b, sc)
	scanAll(b, sc, st, in)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if got := scanAll(b, sc, st, in); got != want {
			b.Fatalf("%d stanzas, want %d", got, want)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(want), "ns/stanza")
}

func BenchmarkEncodingXML(b *testing.B) {
	in, want := corpus.MiB()
	in = append(append([]byte(corpus.Header), in...), corpus.Footer...)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		d := xml.NewDecoder(bytes.NewReader(in))
		for {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(want), "ns/stanza")
}
