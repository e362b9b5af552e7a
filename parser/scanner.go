package parser

// maxChildren is how many first-level children are recorded while scanning.
// Further ones are found by walking when somebody asks for them, so that a
// stanza of many tiny children does not make the parser hold many times its size.
const maxChildren = 64

// state is the working memory of the scan of one frame, including its result.
type state struct {
	Frame
}

// Scanner is the working memory of one event loop, shared by all its Streams.
// Not safe for concurrent use.
type Scanner struct {
	cur  *state   // in use by the current or last frame
	free []*state // spare ones
}

// NewScanner returns a Scanner.
func NewScanner() *Scanner { return &Scanner{cur: new(state)} }

// Next scans in for one frame of st. in must begin with the bytes that earlier
// calls for this stream did not consume. The results are:
//
//   - (frame, n, nil): a whole frame; n bytes were consumed, including white
//     space and an XML declaration before it.
//   - (nil, n, nil): more input is needed. n bytes (white space between stanzas,
//     the XML declaration) were consumed; in[n:] must be presented again,
//     extended.
//   - (nil, n, err): the stream is broken; err is an *Error, and every further
//     call returns it again.
//
// The frame is valid until the next call of Next on this Scanner or until in
// changes. When more input is needed, what was scanned so far is remembered in
// st and not scanned again.
func (sc *Scanner) Next(st *Stream, in []byte) (*Frame, int, error) {
	return nil, 0, nil
}

// Release takes back the working memory of a partial stanza, when the
// connection closes in the middle of it. st must not be used afterwards except
// by Reset.
func (sc *Scanner) Release(st *Stream) {
	if st.saved != nil {
		sc.free = append(sc.free, st.saved)
		st.saved = nil
	}
}
