package parser_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

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

// decodeAll reads the same bytes, within their stream, with encoding/xml.
func decodeAll(tb testing.TB, in []byte) {
	d := xml.NewDecoder(bytes.NewReader(in))
	for {
		if _, err := d.Token(); err == io.EOF {
			return
		} else if err != nil {
			tb.Fatal(err)
		}
	}
}

// BenchmarkScanner is the speed of whole stanzas with all checks.
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

// chats returns n messages of size bytes, one after the other, as the load
// generator of package bench makes them.
func chats(n, size int) (in []byte) {
	filler := strings.Repeat("the quick brown fox jumps over the lazy dog and runs away; ", size/59+1)
	for i := range n {
		const end = "</body></message>"
		head := fmt.Sprintf("<message to='load-%04d@localhost' type='chat' id='%016x-%08x'><body>", i*37, uint64(i)*31415926535, i)
		in = append(append(append(in, head...), filler[:size-len(head)-len(end)]...), end...)
	}
	return in
}

// BenchmarkChat is the speed of one read's worth of chat: 16 messages of 350 bytes.
func BenchmarkChat(b *testing.B) {
	const messages = 16
	in := chats(messages, 350)
	sc := parser.NewScanner()
	st := opened(b, sc)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if got := scanAll(b, sc, st, in); got != messages {
			b.Fatalf("%d stanzas, want %d", got, messages)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/messages, "ns/stanza")
}

// BenchmarkPieces is the speed when each read brings 1,448 bytes, the payload of
// a TCP segment, which cuts about every third stanza.
func BenchmarkPieces(b *testing.B) {
	in, _ := corpus.MiB()
	sc := parser.NewScanner()
	st := opened(b, sc)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		for at, upTo := 0, 0; at < len(in); {
			upTo = min(upTo+1448, len(in))
			for f := new(parser.Frame); f != nil; {
				var (
					n   int
					err error
				)
				if f, n, err = sc.Next(st, in[at:upTo]); err != nil {
					b.Fatal(err)
				}
				at += n
			}
		}
	}
}

// BenchmarkBytewise is the cost of a peer that sends one byte at a time, here a
// stanza of 64 KiB, in time per byte: it must not grow with the stanza.
func BenchmarkBytewise(b *testing.B) {
	for _, size := range []int{1 << 10, 1 << 16} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			in := []byte("<message><body>" + strings.Repeat("text &amp; ", size/11) + "</body></message>")
			sc := parser.NewScanner()
			st := opened(b, sc)
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				for i := range in {
					if _, _, err := sc.Next(st, in[:i+1]); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(in)), "ns/byte")
		})
	}
}

// BenchmarkHostile is the cost per byte of stanzas made to be expensive. No kind
// may cost more than some tens of an ordinary one.
func BenchmarkHostile(b *testing.B) {
	fill := func(before, unit, after string) string {
		return before + strings.Repeat(unit, (250000-len(before)-len(after))/len(unit)) + after
	}
	manyAttrs, declared, used := "<b", "<a", "<b"
	for i := range 60 {
		manyAttrs += fmt.Sprintf(" ab%02dc=''", i)
		declared += fmt.Sprintf(" xmlns:p%d='%s%d'", i, strings.Repeat("u", 1500), i)
		used += fmt.Sprintf(" p%d:x=''", i)
	}
	for _, c := range []struct {
		name, in string
		walk     bool
	}{
		{"many attributes", fill("<a>", manyAttrs+"/>", "</a>"), false},
		{"many namespaces", fill(declared+">", used+"/>", "</a>"), false},
		{"many declarations", fill("<a>", "<b xmlns:p='u'/>", "</a>"), false},
		{"many children", fill("<a>", "<b/>", "</a>"), false},
		{"many references", fill("<a>", "&#65;", "</a>"), false},
		{"many brackets", fill("<a>", "]", "</a>"), false},
		{"walked", fill("<a><c>", "<b>x</b>", "</c></a>"), true},
		{"walked with prefixes", fill("<a xmlns:p='u' xmlns:q='v'><c>", "<p:b/><q:b/>", "</c></a>"), true},
		{"walked with many namespaces", fill(declared+"><c>", "<p0:b/>", "</c></a>"), true},
	} {
		b.Run(strings.ReplaceAll(c.name, " ", "-"), func(b *testing.B) {
			sc := parser.NewScanner()
			st := opened(b, sc)
			in := []byte(c.in)
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				f, _, err := sc.Next(st, in)
				if err != nil {
					b.Fatal(err)
				}
				if c.walk {
					for w := f.Children()[0].Element().Walk(); w.Next(); {
						w.Element().Namespace()
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(in)), "ns/byte")
		})
	}
}

// BenchmarkEncodingXML reads the bytes of BenchmarkScanner with encoding/xml.
func BenchmarkEncodingXML(b *testing.B) {
	in, want := corpus.MiB()
	in = append(append([]byte(corpus.Header), in...), corpus.Footer...)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		decodeAll(b, in)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(want), "ns/stanza")
}

// BenchmarkRatio takes turns between the two, so that a noisy machine is noisy
// for both, and reports how many times faster the Scanner is by the medians and
// by the fastest turns.
func BenchmarkRatio(b *testing.B) {
	in, _ := corpus.MiB()
	doc := append(append([]byte(corpus.Header), in...), corpus.Footer...)
	sc := parser.NewScanner()
	st := opened(b, sc)
	var ours, theirs []time.Duration
	for b.Loop() {
		for range 8 {
			began := time.Now()
			scanAll(b, sc, st, in)
			ours = append(ours, time.Since(began))
		}
		began := time.Now()
		decodeAll(b, doc)
		theirs = append(theirs, time.Since(began))
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	b.ReportMetric(float64(theirs[len(theirs)/2])/float64(ours[len(ours)/2]), "median-ratio")
	b.ReportMetric(float64(theirs[0])/float64(ours[0]), "best-ratio")
}
