package offline

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// entry is a message on its way into the store.
type entry struct {
	req  *xep.Request
	cond stanza.Condition // what the sender gets when there is no such account
	buf  []byte           // room for a record's head, then the message as it will be delivered
	head int              // where that begins

	holder uint64    // the session that has it; 0: it waits for one
	kept   *xep.Kept // set when a session had it at first
	taken  bool      // the session has acknowledged it
}

// xml is the message as it will be delivered.
func (e *entry) xml() []byte { return e.buf[e.head:] }

// patience is how long e may wait until others are stored, too.
func (e *entry) patience() time.Duration {
	if e.holder == 0 || e.taken { // who waits for it, or has it, changed meanwhile
		return 0
	}
	return e.kept.Patience
}

// fail says that the message is not stored: to the sender, or while a session
// has the message to who wanted it kept.
func (e *entry) fail(err stanza.Error) {
	if e.holder != 0 && !e.taken {
		e.kept.Failed(err)
		return
	}
	if e.taken {
		e.req.Done()
		return
	}
	e.req.Error(err)
}

// newEntry copies a message and stamps it: into one buffer, in front of which the
// rest of the record has room.
func newEntry(a *xep.Home, req *xep.Request, c stanza.Condition) *entry {
	const stamps = 256 // bytes of both, nearly always
	raw, at := req.View.Frame.Raw(), req.Arrived
	if at == 0 {
		at = a.Now()
	}
	b := newRecord(req.From.String(), len(raw)+stamps)
	head := len(b)
	if req.StanzaID != "" {
		b = stanza.AppendIdentified(b, raw, a.JID().String(), req.StanzaID)
		raw = b[head:]
	}
	return &entry{req: req, cond: c, buf: stanza.AppendDelayed(b[:head], raw, a.JID().Domain(), at), head: head}
}

// newRecord begins a record, which so many bytes of a stanza will follow: room for
// what record writes, and the sender's address.
func newRecord(from string, size int) []byte {
	b := make([]byte, 1+binary.MaxVarintLen64, 1+2*binary.MaxVarintLen64+len(from)+size)
	b = binary.AppendUvarint(b, uint64(len(from)))
	return append(b, from...)
}

// recordVersion is the first byte of a stored message. Behind it stand, each
// with its length, the sum of the sizes of all messages up to this one, the
// sender's address and the stanza.
const recordVersion = 1

// errRecord: what is stored was not written by this version.
var errRecord = errors.New("offline: record of an unknown form")

// size is what a message counts against MaxBytes.
func (e *entry) size() uint64 { return uint64(len(e.buf) - e.head) }

// record is the message for the store, in the entry's own memory: version and sum
// are written where there is room for the longest of them, so that they end where
// the rest begins.
func (e *entry) record(total uint64) []byte {
	var sum [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(sum[:], total)
	b := e.buf[binary.MaxVarintLen64-n:]
	b[0] = recordVersion
	copy(b[1:], sum[:n])
	return b
}

// record is a stored message; from and xml borrow the stored bytes.
type record struct {
	total     uint64
	from, xml []byte
}

func parseRecord(b []byte) (r record, err error) {
	if len(b) == 0 || b[0] != recordVersion {
		return r, errRecord
	}
	b = b[1:]
	total, n := binary.Uvarint(b)
	if n <= 0 {
		return r, errRecord
	}
	b = b[n:]
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return r, errRecord
	}
	b = b[n:]
	return record{total: total, from: b[:size], xml: b[size:]}, nil
}

// sender is the address that the message came from.
func (r *record) sender() (jid.JID, error) { return jid.ParseBytes(r.from) }

// key of a message in its collection; the order of the keys is that of the
// numbers.
func key(number uint64) []byte { return binary.BigEndian.AppendUint64(nil, number) }

// numberOf is the inverse of key.
func numberOf(k []byte) (uint64, error) {
	if len(k) != 8 {
		return 0, errRecord
	}
	return binary.BigEndian.Uint64(k), nil
}
