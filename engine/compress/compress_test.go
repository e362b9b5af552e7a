package compress_test

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/engine/compress"
)

// inflate unpacks a stream that is given in parts, some bytes at a time.
func inflate(z *compress.Inflater, most int, parts ...[]byte) (out []byte, err error) {
	for _, p := range parts {
		for {
			before := len(out)
			var n int
			if out, n, err = z.Inflate(out, p, most); err != nil {
				return out, err
			}
			if p = p[n:]; len(p) == 0 && len(out)-before < most {
				break
			}
		}
	}
	return out, nil
}

// packed is text as a client would send it: each part flushed.
func packed(t testing.TB, level int, parts ...string) (stream []byte, ends []int) {
	t.Helper()
	var b bytes.Buffer
	w, err := zlib.NewWriterLevel(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		if _, err := io.WriteString(w, p); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, b.Len())
	}
	return b.Bytes(), ends
}

var talk = []string{
	"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>",
	"<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
	strings.Repeat("<message to='bob@localhost' type='chat'><body>once more</body></message>", 40),
	"<presence/>", " ", strings.Repeat("\u00e4\u00f6\u00fc", 10_000),
}

// However a stream is cut, all that was flushed comes out at once, and nothing
// else; whatever the compressor did.
func TestEverySplit(t *testing.T) {
	for _, level := range []int{zlib.NoCompression, zlib.BestSpeed, zlib.BestCompression, zlib.HuffmanOnly} {
		stream, ends := packed(t, level, talk...)
		want := strings.Join(talk[:5], "")
		for at := range ends[4] + 1 {
			stream := stream[:ends[4]]
			var z compress.Inflater
			got, err := inflate(&z, 1<<10, stream[:at], stream[at:])
			if err != nil || string(got) != want {
				t.Fatalf("level %d, cut at %d: %v, %d bytes", level, at, err, len(got))
			}
		}
		var z compress.Inflater
		from, plain := 0, 0
		for i, end := range ends {
			got, err := inflate(&z, 7, stream[from:end])
			if err != nil || string(got) != talk[i] {
				t.Fatalf("level %d, part %d: %v, %q", level, i, err, got)
			}
			from, plain = end, plain+len(got)
		}
		if plain != len(strings.Join(talk, "")) {
			t.Errorf("level %d: %d bytes", level, plain)
		}
	}
}

// A partial flush (zlib's Z_PARTIAL_FLUSH, which XEP-0138 names) ends in no
// whole byte, and is read nevertheless.
func TestPartialFlush(t *testing.T) {
	var z compress.Inflater
	for _, c := range []struct{ sent, want string }{
		{"789cb229284a2d4ecd4b4ed5b70308", "<presence/>"},
		{"201bac4c8000", "<presence/><presence/>"},
	} {
		b, err := hex.DecodeString(c.sent)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := inflate(&z, 1024, b); err != nil || string(got) != c.want {
			t.Errorf("%s: %q, %v", c.sent, got, err)
		}
	}
}

func TestBadStreams(t *testing.T) {
	good, _ := packed(t, zlib.BestCompression, talk...)
	raw := func(bits string) []byte { // bits as they are read, after the header
		b := []byte(compress.Header)
		bits = strings.ReplaceAll(bits, " ", "")
		for i := 0; i < len(bits); i += 8 {
			var c byte
			for j, bit := range bits[i:min(i+8, len(bits))] {
				c |= byte(bit-'0') << j
			}
			b = append(b, c)
		}
		return b
	}
	ended := append([]byte(nil), good...)
	for name, stream := range map[string][]byte{
		"text":                       []byte("<stream:stream"),
		"gzip":                       {0x1f, 0x8b, 8, 0},
		"another method":             {0x79, 0x1b},
		"a window too large":         {0x88, 0x1c},
		"a wrong check":              {0x78, 0x02},
		"a dictionary":               {0x78, 0x20},
		"an unknown block":           raw("0 11"),
		"a stored length":            raw("0 00 00000 1000000000000000 1000000000000000"),
		"a match before all":         raw("0 10 0000001 00000"),
		"a distance that is none":    raw("0 10 00110000 0000001 11110"),
		"a length that is none":      raw("0 10 11000110"),
		"too many codes":             raw("0 01 11111 00000 0000 0000000000000000000000000"),
		"too many distances":         raw("0 01 00000 11111 0000 0000000000000000000000000"),
		"codes that do not fit":      raw("0 01 00000 00000 0000 100 100 100 100"),
		"codes for lengths and none": raw("0 01 00000 00000 0000 000 000 000 000" + strings.Repeat("0", 20)),
		"the end, and more":          append(raw("1 10 0000000"), 1, 2, 3, 4, 5, 6),
		"damaged in the middle":      func() []byte { ended[len(ended)/3] ^= 0xff; return append(ended, bytes.Repeat([]byte{0xff}, 64)...) }(),
	} {
		var z compress.Inflater
		if out, err := inflate(&z, 1024, stream); !errors.Is(err, compress.ErrFormat) {
			t.Errorf("%s: %v, %d bytes", name, err, len(out))
		}
	}
}

// A bomb is noticed long before it has unpacked, in kilobytes.
func TestBomb(t *testing.T) {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	zeros := make([]byte, 1<<20)
	for range 64 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	z := compress.Inflater{Bound: compress.Bound{Free: 64 << 10, Ratio: 100}}
	out, err := inflate(&z, 16<<10, b.Bytes())
	if !errors.Is(err, compress.ErrBomb) || len(out) > 128<<10 {
		t.Errorf("%d bytes of %d, %v", len(out), b.Len(), err)
	}
	z = compress.Inflater{Bound: compress.Bound{Free: 64 << 10, Ratio: 100}}
	stream, _ := packed(t, zlib.BestCompression, talk[:4]...)
	if _, err := inflate(&z, 16<<10, stream); err != nil {
		t.Errorf("what people write: %v", err)
	}
}

// Between flushed writes an Inflater holds what it may have to refer to, 32 KiB
// at most, and little when there has been little.
func TestHeld(t *testing.T) {
	stream, ends := packed(t, zlib.BestCompression, talk...)
	var z compress.Inflater
	from := 0
	for i, most := range []int{1024, 1024, 8 << 10, 8 << 10, 8 << 10, 33 << 10} {
		if _, err := inflate(&z, 16<<10, stream[from:ends[i]]); err != nil {
			t.Fatal(err)
		}
		if from = ends[i]; z.Held() > most {
			t.Errorf("after part %d: %d bytes are held, want %d at most", i, z.Held(), most)
		}
	}
}

// What Deflate writes, whatever is written how, another decoder reads, and ours.
func TestDeflate(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	stream, want := []byte(compress.Header), ""
	for i := range 200 {
		p := talk[i%len(talk)]
		p = p[:r.IntN(len(p))+1]
		var err error
		if stream, err = compress.Deflate(stream, []byte(p)); err != nil {
			t.Fatal(err)
		}
		want += p
	}
	var z compress.Inflater
	if got, err := inflate(&z, 1000, stream); err != nil || string(got) != want {
		t.Errorf("ours: %v, %d of %d bytes", err, len(got), len(want))
	}
	got, err := io.ReadAll(flate.NewReader(bytes.NewReader(stream[2:])))
	if !errors.Is(err, io.ErrUnexpectedEOF) || string(got) != want { // it has no end
		t.Errorf("the standard library's: %v, %d of %d bytes", err, len(got), len(want))
	}
}

// FuzzInflate: whatever comes, in whatever pieces, the outcome is the same, and
// what the standard library accepts is what we accept.
func FuzzInflate(f *testing.F) {
	for _, level := range []int{zlib.NoCompression, zlib.BestSpeed, zlib.BestCompression, zlib.HuffmanOnly} {
		stream, _ := packed(f, level, talk[:4]...)
		f.Add(stream, uint16(10))
	}
	f.Fuzz(func(t *testing.T, stream []byte, at uint16) {
		bound := compress.Bound{Free: 1 << 20, Ratio: 1}
		whole, cut := compress.Inflater{Bound: bound}, compress.Inflater{Bound: bound}
		want, err := inflate(&whole, 512, stream)
		n := int(at) % (len(stream) + 1)
		got, err2 := inflate(&cut, 64, stream[:n], stream[n:])
		if err == nil && err2 == nil && !bytes.Equal(got, want) || (err == nil) != (err2 == nil) {
			t.Fatalf("whole: %d bytes, %v; cut at %d: %d bytes, %v", len(want), err, n, len(got), err2)
		}
		if len(stream) < 2 || err != nil {
			return
		}
		other, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(stream[2:])), 1<<20))
		if err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
			if !bytes.HasPrefix(want, other) && !bytes.HasPrefix(other, want) {
				t.Fatalf("we read %q, the standard library %q", want, other)
			}
		}
	})
}

// BenchmarkInflate and BenchmarkDeflate: a chat message at a time.
func BenchmarkInflate(b *testing.B) {
	stream, _ := packed(b, zlib.BestCompression, talk...)
	b.SetBytes(int64(len(strings.Join(talk, ""))))
	b.ReportAllocs()
	buf := make([]byte, 0, 16<<10)
	for b.Loop() {
		var z compress.Inflater
		for p := stream; ; {
			out, n, err := z.Inflate(buf[:0], p, cap(buf))
			if err != nil {
				b.Fatal(err)
			}
			if p = p[n:]; len(p) == 0 && len(out) < cap(buf) {
				break
			}
		}
	}
}

func BenchmarkDeflate(b *testing.B) {
	message := "<message from='alice@example.org/phone' to='bob@example.org' type='chat' id='%d'>" +
		"<body>Shall we meet at the usual place, or did you want to try the new one?</body>" +
		"<request xmlns='urn:xmpp:receipts'/><origin-id xmlns='urn:xmpp:sid:0' id='%[1]d'/></message>"
	for _, count := range []int{1, 10, 100} { // in one write
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			var text []byte
			for i := range count {
				text = fmt.Appendf(text, message, 123456789*i)
			}
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			var buf []byte
			for b.Loop() {
				var err error
				if buf, err = compress.Deflate(buf[:0], text); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(text))/float64(len(buf)), "ratio")
		})
	}
}
