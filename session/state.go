package session

import (
	"encoding/binary"
	"encoding/hex"
	"errors"

	"github.com/xylem-im/xylem/jid"
)

// stateVersion is the first byte of what AppendState writes.
const stateVersion = 1

// ErrState is returned by RestoreState for what this version has not written.
var ErrState = errors.New("session: state of an unknown form")

// AppendState appends what a detached session must know to be resumed after a
// restart, but for its unacknowledged stanzas; see RestoreState.
func (s *Session) AppendState(b []byte) []byte {
	m := s.managed
	b = append(b, stateVersion)
	for _, text := range []string{s.jid.String(), s.Lang(), hex.EncodeToString(m.secret[:])} {
		b = appendText(b, text)
	}
	b = binary.BigEndian.AppendUint64(b, s.handle)
	b = binary.BigEndian.AppendUint32(b, s.handled())
	b = binary.AppendVarint(b, int64(m.window)*1e6)
	return binary.AppendUvarint(b, m.queue.Acked())
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// RestoreState makes a detached session of what AppendState has written. Its
// unacknowledged stanzas follow by RestoreStanza, oldest first. Its SM-ID is
// the one that it had, whose handle leads nowhere now.
func (s *Session) RestoreState(cfg *Config, now int64, state []byte) error {
	r := stateReader{b: state}
	if r.byte() != stateVersion {
		return ErrState
	}
	full, err := jid.Parse(r.text())
	lang := internLang([]byte(r.text()))
	secret, faulty := hex.DecodeString(r.text())
	handle, in := r.number(8), r.number(4)
	window, acked := r.varint(), r.uvarint()
	if err != nil || r.bad || len(r.b) > 0 || !full.IsFull() || faulty != nil || len(secret) != secretBytes || window <= 0 {
		return ErrState
	}
	*s = Session{cfg: cfg, jid: full, lang: lang, active: now, state: stateDetached, handle: handle}
	s.stream.Reset(cfg.Bound)
	s.managed = &managed{secret: [secretBytes]byte(secret), window: milliseconds(window), in: uint32(in)}
	s.managed.queue.acked = acked
	return nil
}

// RestoreStanza adds an unacknowledged stanza to a restored session.
func (s *Session) RestoreStanza(u Unacked, out *Out) {
	s.managed.queue.Add(u.At, u.Stanza, uint32(u.Delivery), &out.stores)
}

// stateReader reads fields until one of them is missing.
type stateReader struct {
	b   []byte
	bad bool
}

// take is the next n bytes; nil when there are fewer.
func (r *stateReader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.b, r.bad = nil, true
		return nil
	}
	field := r.b[:n]
	r.b = r.b[n:]
	return field
}

func (r *stateReader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *stateReader) text() string { return string(r.take(int(min(r.uvarint(), 1<<20)))) }

// number is a big-endian one of size bytes.
func (r *stateReader) number(size int) (n uint64) {
	for _, b := range r.take(size) {
		n = n<<8 | uint64(b)
	}
	return n
}

func (r *stateReader) uvarint() uint64 {
	n, size := binary.Uvarint(r.b)
	r.take(max(size, -1))
	r.bad = r.bad || size <= 0
	return n
}

func (r *stateReader) varint() int64 {
	n, size := binary.Varint(r.b)
	r.take(max(size, -1))
	r.bad = r.bad || size <= 0
	return n
}
