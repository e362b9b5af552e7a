package parser

// maxFree bounds the spare working memory of a Scanner, in states.
const maxFree = 1024

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
	switch {
	case st.err != nil:
		return nil, 0, st.err
	case st.pos < inStream:
		return sc.nextHeader(st, in)
	}
	return sc.nextStanza(st, in)
}

// Release takes back the working memory of a partial stanza, when the
// connection closes in the middle of it. st must not be used afterwards except
// by Reset.
func (sc *Scanner) Release(st *Stream) {
	if st.saved != nil {
		sc.keep(st.saved)
		st.saved = nil
	}
}

// nextHeader is Next before the stream header has ended. Its limit counts from
// the stream's start, so everything before the header is bounded, too.
func (sc *Scanner) nextHeader(st *Stream, in []byte) (*Frame, int, error) {
	limit := st.lim().HeaderBytes
	room := int(max(0, int64(limit)-st.offset))
	window := in[:min(len(in), room)]
	n := 0
	if st.saved == nil {
		var (
			wait bool
			fail failure
		)
		if st.pos < inProlog {
			n, wait, fail = st.prolog(window)
		}
		if !wait && fail.condition == "" {
			n = skipSpace(window, n)
			if wait = n == len(window); !wait && window[n] != '<' {
				fail = failure{ConditionNotWellFormed, got("'<' of the stream header", window[n]), n}
			}
		}
		switch {
		case fail.condition != "":
			return st.broken(fail, 0)
		case wait && len(window) == room:
			return st.broken(failure{ConditionPolicyViolation, limitDetail("header bytes", limit), room}, 0)
		case wait:
			st.offset += int64(n)
			return nil, n, nil
		}
	}
	s, end, v := sc.scan(st, window[n:], StreamOpen, noHeader)
	switch {
	case v == failed:
		return st.broken(s.failure, n)
	case v == more && len(window) == room:
		return st.broken(failure{ConditionPolicyViolation, limitDetail("header bytes", limit), room}, 0)
	case v == more:
		return sc.save(st, s, n)
	}
	f := s.finish(window[n:], end)
	st.header = makeHeader(s.name.all(f.buf), f.Decls())
	st.pos = inStream
	st.offset += int64(n + end)
	return f, n + end, nil
}

// nextStanza is Next behind the stream header.
func (sc *Scanner) nextStanza(st *Stream, in []byte) (*Frame, int, error) {
	n := 0
	if st.saved == nil {
		// White space between stanzas is how peers keep a connection alive
		// (RFC 6120 §4.6.1, §11.7).
		if n = skipSpace(in, 0); n == len(in) {
			st.offset += int64(n)
			return nil, n, nil
		}
		if st.pos == afterClose || in[n] != '<' {
			return st.broken(between(st.pos, in[n]), n)
		}
	}
	limit := st.lim().StanzaBytes
	window := in[n:min(len(in), n+limit)]
	s, end, v := sc.scan(st, window, Stanza, st.header)
	switch {
	case v == failed:
		return st.broken(s.failure, n)
	case v == more && len(window) == limit:
		return st.broken(failure{ConditionPolicyViolation, limitDetail("stanza bytes", limit), limit}, n)
	case v == more:
		return sc.save(st, s, n)
	}
	if s.kind == StreamClose {
		st.pos = afterClose
	}
	st.offset += int64(n + end)
	return s.finish(window, end), n + end, nil
}

// between says what is wrong with c behind the white space between stanzas,
// which does not begin one.
func between(pos position, c byte) failure {
	switch {
	case pos == afterClose:
		return failure{ConditionNotWellFormed, got("nothing behind the end of the stream", c), 0}
	case c < ' ':
		return failure{ConditionNotWellFormed, got("an XML character", c), 0}
	}
	return failure{ConditionBadFormat, got("'<' of a stanza", c), 0}
}

// scan goes on with the frame that st has begun, or begins one.
func (sc *Scanner) scan(st *Stream, b []byte, kind Kind, h *header) (*state, int, verdict) {
	s := st.saved
	if s == nil {
		s = sc.cur
		s.begin(kind, h)
	} else {
		st.saved = nil
		sc.keep(sc.cur)
		sc.cur = s
	}
	s.lim = st.lim()
	if s.pos > len(b) {
		// A limit was lowered below what had been scanned, or the caller
		// presents less than before.
		return s, 0, more
	}
	i, v := s.run(b)
	return s, i, v
}

// save leaves the working memory with the stream until more input comes. n bytes
// before the frame are consumed.
func (sc *Scanner) save(st *Stream, s *state, n int) (*Frame, int, error) {
	s.buf = nil // the input may move
	st.saved = s
	st.offset += int64(n)
	sc.cur = sc.spare()
	return nil, n, nil
}

// keep puts working memory aside for a later frame.
func (sc *Scanner) keep(s *state) {
	if len(sc.free) < maxFree {
		sc.free = append(sc.free, s)
	}
}

// spare takes working memory for a frame.
func (sc *Scanner) spare() *state {
	last := len(sc.free) - 1
	if last < 0 {
		return new(state)
	}
	s := sc.free[last]
	sc.free[last] = nil
	sc.free = sc.free[:last]
	return s
}

// broken ends the stream with an error at fail.at bytes behind the n bytes that
// are consumed.
func (st *Stream) broken(fail failure, n int) (*Frame, int, error) {
	st.offset += int64(n)
	st.err = &Error{Condition: fail.condition, Offset: st.offset + int64(fail.at), Detail: fail.detail}
	return nil, n, st.err
}
