package parser

import "bytes"

// maxChildren is how many first-level children are recorded while scanning.
// Further ones are found by walking when somebody asks for them, so that a
// stanza of many tiny children does not make the parser hold many times its size.
const maxChildren = 64

// phase is where in the grammar a scan was suspended.
type phase uint8

const (
	phContent    phase = iota // in character data, or at a '<' that cannot be judged yet
	phCDATA                   // inside a CDATA section
	phCloseSpace              // behind the name in a closing tag
	phName                    // at the '<' of a start tag
	phBetween                 // behind the name or an attribute of a start tag
	phEquals                  // behind an attribute name
	phQuote                   // behind '='
	phValue                   // inside an attribute value
)

// verdict is how a step of the scan ended.
type verdict uint8

const (
	goOn   verdict = iota // content follows at the returned index
	more                  // suspended: state.pos and phase are set
	done                  // the frame ends at the returned index
	failed                // state.failure is set
)

// failure is the error of a scan, relative to the frame's start.
type failure struct {
	condition, detail string
	at                int
}

// startTag is what is remembered about the start tag being read.
type startTag struct {
	start    int // of its '<'; also used for a closing tag
	name     qname
	attrBase int    // its attributes are attrs[attrBase:]
	bindBase int    // its declarations are binds[bindBase:]
	def      nsRef  // the default namespace around it
	prefixed int    // number of attributes with a prefix
	seen     uint64 // hashes of the attribute names so far, see nameBit

	space   bool // white space stands before pos
	attr    qname
	valOff  int
	quote   byte
	special bool // the value has references or line space
}

// state is the working memory of the scan of one frame, including its result.
// All of it is offsets, so that it survives a move of the input.
type state struct {
	Frame
	failure failure
	lim     *Limits
	pos     int // where to go on
	phase   phase

	stack    []open
	attrBuf  []attr    // those of the top element, then those of the current one
	binds    []binding // in scope, outermost first
	def      nsRef     // the default namespace in force
	topAttrs int
	topBinds int
	tag      startTag
	marks    marks // of the input last presented
}

// begin prepares s for a new frame.
func (s *state) begin(kind Kind, h *header) {
	s.kind, s.header = kind, h
	s.pos, s.phase = 0, phContent
	s.stack = s.stack[:0]
	s.attrBuf = s.attrBuf[:0]
	s.binds = s.binds[:0]
	s.childs = s.childs[:0]
	s.arena = s.arena[:0]
	s.def = s.headerDefault()
	s.topAttrs, s.topBinds = 0, 0
	s.to, s.from, s.id, s.typ, s.lang = -1, -1, -1, -1, -1
	s.usedDefault, s.hasText, s.moreChildren = false, false, false
	s.used = [4]uint64{}
	s.scope.levels, s.scope.binds = s.scope.levels[:0], s.scope.binds[:0]
	if cap(s.childOut) > keepChildren || cap(s.arena) > keepArena {
		s.childOut, s.arena = nil, nil
	}
}

// What a state keeps from one frame to the next. The other lists are bounded by
// Limits.
const (
	keepChildren = 4 * maxChildren
	keepArena    = 4096
)

// finish makes the frame out of the scan of b, which ends at end.
func (s *state) finish(b []byte, end int) *Frame {
	s.buf = b[:end:end]
	s.attrs = s.attrBuf[:s.topAttrs]
	s.decls = s.binds[:s.topBinds]
	return &s.Frame
}

// fail ends the scan with an error at index at.
func (s *state) fail(condition string, at int, detail string) (int, verdict) {
	s.failure = failure{condition: condition, detail: detail, at: at}
	return at, failed
}

// suspend ends the scan for want of input. The next one goes on at index at.
func (s *state) suspend(ph phase, at int) (int, verdict) {
	s.phase, s.pos = ph, at
	return at, more
}

// run scans b, the input from the '<' of the frame on, from where it was
// suspended.
func (s *state) run(b []byte) (int, verdict) {
	m := &s.marks
	m.reset(b, s.pos, s.lim.NameBytes >= plainBytes)
	i, v := s.resume(b)
	for v == goOn {
		if i < len(b) && b[i] != '<' {
			ok := false
			if m.covers(i) {
				i, ok = s.plainText(b, i)
			}
			if !ok {
				if i, v = s.text(b, i); v != goOn {
					break
				}
			}
		}
		if i+1 >= len(b) {
			return s.suspend(phContent, i)
		}
		switch b[i+1] {
		case '/':
			i, v = s.closeTag(b, i)
		case '!':
			i, v = s.declaration(b, i)
		case '?':
			i, v = s.fail(ConditionRestrictedXML, i, "expected an element, got a processing instruction")
		default:
			if m.covers(i) {
				i, v = s.plainTag(b, i)
			} else {
				i, v = s.startTag(b, i, phName)
			}
		}
	}
	return i, v
}

// resume goes on inside the token at which the scan was suspended.
func (s *state) resume(b []byte) (int, verdict) {
	switch ph := s.phase; ph {
	case phContent:
		return s.pos, goOn
	case phCDATA:
		return s.cdata(b, s.pos)
	case phCloseSpace:
		return s.closeSpace(b, s.pos)
	default:
		return s.startTag(b, s.pos, ph)
	}
}

// closeTag reads the closing tag at b[i:], which has to be that of the element
// begun last: its name is compared, not scanned.
func (s *state) closeTag(b []byte, i int) (int, verdict) {
	var name []byte
	if last := len(s.stack) - 1; last >= 0 {
		q := s.stack[last].name
		end := i + 2 + int(q.size())
		if end < len(b) && b[end] == '>' && same(b, uint32(i+2), q.off(), q.size()) {
			return s.closed(b, i, end+1) // the usual case
		}
		name = q.all(b)
	} else if name = s.header.name; len(name) == 0 {
		return s.fail(ConditionNotWellFormed, i, "expected an element, got a closing tag")
	}
	end := i + 2 + len(name)
	if end >= len(b) {
		if !bytes.HasPrefix(name, b[i+2:min(end, len(b))]) {
			return s.fail(ConditionNotWellFormed, i, "expected the closing tag of the last open element, got another one")
		}
		return s.suspend(phContent, i)
	}
	if string(b[i+2:end]) != string(name) {
		return s.fail(ConditionNotWellFormed, i, "expected the closing tag of the last open element, got another one")
	}
	if b[end] != '>' {
		s.tag.start = i
		return s.closeSpace(b, end)
	}
	return s.closed(b, i, end+1)
}

// closeSpace reads the white space and the '>' that end a closing tag.
func (s *state) closeSpace(b []byte, i int) (int, verdict) {
	for i < len(b) && isSpace(b[i]) {
		i++
	}
	if i == len(b) {
		return s.suspend(phCloseSpace, i)
	}
	if b[i] != '>' {
		return s.fail(ConditionNotWellFormed, i, got("'>' at the end of a closing tag", b[i]))
	}
	return s.closed(b, s.tag.start, i+1)
}

// closed takes note of a closing tag from start to end.
func (s *state) closed(b []byte, start, end int) (int, verdict) {
	last := len(s.stack) - 1
	if last < 0 {
		return s.streamClosed(b, end)
	}
	e := &s.stack[last]
	s.def = e.def
	s.binds = s.binds[:e.binds]
	s.stack = s.stack[:last]
	switch last {
	case 0:
		s.contentEnd = uint32(start)
		return end, done
	case 1:
		if !s.moreChildren {
			c := &s.childs[len(s.childs)-1]
			c.contentEnd, c.end = uint32(start), uint32(end)
		}
	}
	return end, goOn
}

// streamClosed takes note of the closing tag of the root.
func (s *state) streamClosed(b []byte, end int) (int, verdict) {
	s.kind = StreamClose
	s.name = nameOf(s.header.name, 2)
	s.contentStart, s.contentEnd = uint32(end), uint32(end)
	s.ns = s.def
	if s.name.prefixLen() > 0 {
		s.ns, _ = s.resolve(b, s.name)
		s.used = [4]uint64{} // nothing is forwarded
	}
	return end, done
}
