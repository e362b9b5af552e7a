package parser_test

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/parser/corpus"
)

// A scan that goes on does not read again what it has read. Whatever is more than
// maxReference behind the last byte presented is overwritten with zeros, which
// are an error wherever they are read.
func TestNoSecondLook(t *testing.T) {
	const n, margin = 2000, 64
	for _, c := range []struct{ name, before, fill, after string }{
		{"text", "<a>", "x", "</a>"},
		{"text of brackets", "<a>", "]", "</a>"},
		{"text of references", "<a>", "&amp;", "</a>"},
		{"text beyond ASCII", "<a>", "€", "</a>"},
		{"CDATA", "<a><![CDATA[", "y", "]]></a>"},
		{"CDATA of brackets", "<a><![CDATA[", "]", "]]></a>"},
		{"value", "<a b='", "z", "'/>"},
		{"value of references", "<a b='", "&#65;", "'/>"},
		{"value beyond ASCII", "<a b='", "é", "'/>"},
		{"space in a tag", "<a", " ", "/>"},
		{"space before '='", "<a b", "\t", "=''/>"},
		{"space behind '='", "<a b=", "\n", "''/>"},
		{"space in a closing tag", "<a></a", " ", ">"},
		{"attributes of a child", "<a>", "<b c='d' e='f'/>", "</a>"},
		{"children", "<a>", "<b>x<c/></b>", "</a>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := []byte(c.before + strings.Repeat(c.fill, n) + c.after)
			sc := parser.NewScanner()
			st := opened(t, sc)
			for i := 1; i < len(in); i++ {
				if f, k, err := sc.Next(st, in[:i]); f != nil || k != 0 || err != nil {
					t.Fatalf("after %d bytes: %v, %d, %v", i, f, k, err)
				}
				if at := i - margin; at >= len(c.before) && at < len(in)-len(c.after) {
					in[at] = 0
				}
			}
			f, k, err := sc.Next(st, in)
			if err != nil || f == nil || k != len(in) {
				t.Fatalf("at the end: %v, %d, %v", f, k, err)
			}
		})
	}
}

// Streams take turns in the middle of their stanzas on one Scanner.
func TestInterleavedStreams(t *testing.T) {
	sc := parser.NewScanner()
	stanzas := corpus.Templates()
	streams := make([]*parser.Stream, len(stanzas))
	for i := range streams {
		streams[i] = opened(t, sc)
	}
	for pos, left := 1, len(stanzas); left > 0; pos++ {
		for i, s := range stanzas {
			if pos > len(s) {
				continue
			}
			f, n, err := sc.Next(streams[i], []byte(s[:pos]))
			switch {
			case err != nil:
				t.Fatalf("%s: %v", s[:pos], err)
			case pos < len(s) && (f != nil || n != 0 || !streams[i].Partial()):
				t.Fatalf("%s: frame %v, %d bytes", s[:pos], f, n)
			case pos == len(s):
				if f == nil || string(f.Raw()) != s || streams[i].Partial() {
					t.Fatalf("%s: frame %v", s, f)
				}
				left--
			}
		}
	}
}

// Nothing is allocated per stanza, be it whole or in pieces, walked or not.
func TestNoAllocation(t *testing.T) {
	sc := parser.NewScanner()
	st := opened(t, sc)
	in, _ := corpus.MiB()
	in = in[:0:0]
	for _, s := range corpus.Stanzas(200, 3) {
		in = append(in, s...)
	}
	look := func(f *parser.Frame) {
		f.Attr("to")
		f.Attrs()
		f.Inherited()
		for _, c := range f.Children() {
			for w := c.Element().Walk(); w.Next(); {
				w.Element().Attr("node")
				w.Element().Namespace()
			}
		}
	}
	if n := testing.AllocsPerRun(10, func() { scanAll(t, sc, st, in) }); n != 0 {
		t.Errorf("%v allocations for whole stanzas", n)
	}
	if n := testing.AllocsPerRun(10, func() {
		for at, upTo := 0, 0; at < len(in); {
			upTo = min(upTo+97, len(in))
			for {
				f, n, err := sc.Next(st, in[at:upTo])
				if err != nil {
					t.Fatal(err)
				}
				at += n
				if f == nil {
					break
				}
				look(f)
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations for stanzas in pieces", n)
	}
}

// The memory that a connection costs between stanzas (idle sessions are
// counted by the million).
func TestStreamIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(parser.Stream{}); size > 48 {
		t.Errorf("a Stream has %d bytes, want at most 48", size)
	}
	sc := parser.NewScanner()
	header := []byte(corpus.Header)
	var st parser.Stream
	if n := testing.AllocsPerRun(100, func() {
		st.Reset(nil)
		if _, _, err := sc.Next(&st, header); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("a usual header costs %v allocations", n)
	}
}

// Release gives the memory of a partial stanza to the next one.
func TestRelease(t *testing.T) {
	sc := parser.NewScanner()
	st := opened(t, sc)
	st2 := new(parser.Stream)
	in := []byte("<a b='c'><d>")
	if n := testing.AllocsPerRun(100, func() {
		*st2 = *st
		if _, _, err := sc.Next(st2, in); err != nil {
			t.Fatal(err)
		}
		sc.Release(st2)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Limits may change at any time.
func TestSetLimits(t *testing.T) {
	sc := parser.NewScanner()
	st := opened(t, sc)
	in := []byte("<a>" + strings.Repeat("x", 300) + "</a>")
	st.SetLimits(&small)
	st.SetLimits(nil)
	if f, _, err := sc.Next(st, in[:250]); f != nil || err != nil {
		t.Fatalf("default limits: %v, %v", f, err)
	}
	st.SetLimits(&parser.Limits{StanzaBytes: 200})
	_, _, err := sc.Next(st, in)
	want := parser.Error{Condition: parser.ConditionPolicyViolation, Offset: int64(len(corpus.Header) + 200), Detail: "stanza bytes limit is 200"}
	if e, ok := err.(*parser.Error); !ok || *e != want {
		t.Errorf("got %v, want %v", err, &want)
	}
}
