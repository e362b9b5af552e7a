package parser_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/parser"
)

// hdr opens a stream with the usual declarations.
const hdr = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"

// trace describes everything that a whole input leads to: each frame with all
// that its accessors say, then the error, if any. Two traces are equal if and
// only if a caller could not tell the difference.
func trace(sc *parser.Scanner, limits *parser.Limits, pieces func(yield func(upTo int) bool), in []byte) string {
	var (
		out strings.Builder
		st  parser.Stream
		at  int // consumed
	)
	st.Reset(limits)
	defer sc.Release(&st)
	for upTo := range pieces {
		for {
			f, n, err := sc.Next(&st, in[at:upTo])
			at += n
			if err != nil {
				var e *parser.Error
				if !errors.As(err, &e) {
					return "not an *Error: " + err.Error()
				}
				fmt.Fprintf(&out, "ERROR %s @%d %s", e.Condition, e.Offset, e.Detail)
				return out.String()
			}
			if int64(at) != st.Offset() {
				return fmt.Sprintf("offset %d after %d bytes", st.Offset(), at)
			}
			if f == nil {
				break
			}
			describe(&out, f)
		}
	}
	if st.Partial() || at < len(in) {
		fmt.Fprintf(&out, "MORE after %d", at)
	}
	return out.String()
}

// whole gives the input in one piece, bytewise in pieces of one byte.
func whole(in []byte) func(func(int) bool) {
	return func(yield func(int) bool) { yield(len(in)) }
}

func bytewise(in []byte) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := 0; i <= len(in); i++ {
			if !yield(i) {
				return
			}
		}
	}
}

func splitAt(in []byte, cuts ...int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for _, c := range append(cuts, len(in)) {
			if !yield(c) {
				return
			}
		}
	}
}

func describe(out *strings.Builder, f *parser.Frame) {
	fmt.Fprintf(out, "%v {%s}%s:%s raw=%q content=%q text=%t", f.Kind(), f.Namespace(), f.Prefix(), f.Local(), f.Raw(), f.Content(), f.HasText())
	for _, field := range []struct {
		name string
		get  func() ([]byte, bool)
	}{{"to", f.To}, {"from", f.From}, {"id", f.ID}, {"type", f.Type}, {"lang", f.Lang}} {
		if v, ok := field.get(); ok {
			fmt.Fprintf(out, " %s=%q", field.name, v)
		}
	}
	for _, a := range f.Attrs() {
		fmt.Fprintf(out, " @%s={%s}%s:%s=%c%s", a.Name, a.Namespace, a.Prefix, a.Local, a.Quote, a.Value)
	}
	for _, d := range f.Decls() {
		fmt.Fprintf(out, " decl %s=%s", d.Prefix, d.URI)
	}
	for _, d := range f.Inherited() {
		fmt.Fprintf(out, " inherits %s=%s", d.Prefix, d.URI)
	}
	for _, c := range f.Children() {
		fmt.Fprintf(out, "\n  child {%s}%s:%s raw=%q content=%q", c.Namespace, c.Prefix, c.Local, c.Raw, c.Content)
	}
	out.WriteByte('\n')
}

// everyCut holds that all ways to cut in into two pieces, and into single bytes,
// lead to the same trace, which it returns.
func everyCut(t *testing.T, limits *parser.Limits, in string) string {
	t.Helper()
	b := []byte(in)
	sc := parser.NewScanner()
	want := trace(sc, limits, whole(b), b)
	if got := trace(sc, limits, bytewise(b), b); got != want {
		t.Fatalf("byte by byte: %q\n got %s\nwant %s", in, got, want)
	}
	for i := range b {
		if got := trace(sc, limits, splitAt(b, i), b); got != want {
			t.Fatalf("cut at %d: %q\n got %s\nwant %s", i, in, got, want)
		}
	}
	plainly(t, limits, in)
	return want
}
