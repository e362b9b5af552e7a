package compress

import "github.com/klauspost/compress/flate"

// Header begins a stream: deflate with a window of 32 KiB, RFC 1950 §2.2.
const Header = "\x78\x01"

// Deflate appends p to dst, compressed and flushed, so that the peer can read
// all of it (RFC 1951 §3.2.4: an empty stored block ends it). It keeps nothing
// between calls. Safe for concurrent use.
func Deflate(dst, p []byte) ([]byte, error) {
	w := appender{dst}
	err := flate.StatelessDeflate(&w, p, false, nil)
	return w.b, err
}

// appender is an io.Writer on a slice.
type appender struct{ b []byte }

func (w *appender) Write(p []byte) (int, error) {
	w.b = append(w.b, p...)
	return len(p), nil
}
