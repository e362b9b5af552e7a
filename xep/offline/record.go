package offline

import (
	"encoding/binary"
	"errors"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// entry is a message on its way into the store.
type entry struct {
	req  *xep.Request
	cond stanza.Condition // what the sender gets when there is no such account
	from string           // bare address of the sender
	xml  []byte           // as it will be delivered

	holder uint64    // the session that has it; 0: it waits for one
	kept   *xep.Kept // set when a session had it at first
	taken  bool      // the session has acknowledged it
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

// newEntry copies a message and stamps it.
func newEntry(a *xep.Home, req *xep.Request, c stanza.Condition) *entry {
	raw, at := req.View.Frame.Raw(), req.Arrived
	if at == 0 {
		at = a.Now()
	}
	if req.StanzaID != "" {
		raw = stanza.AppendIdentified(make([]byte, 0, len(raw)+128), raw, a.JID().String(), req.StanzaID)
	}
	return &entry{
		req: req, cond: c, from: req.From.String(),
		xml: stanza.AppendDelayed(make([]byte, 0, len(raw)+128), raw, a.JID().Domain(), at),
	}
}

// recordVersion is the first byte of a stored message. Behind it stand, each
// with its length, the sum of the sizes of all messages up to this one, the
// sender's address and the stanza.
const recordVersion = 1

// errRecord: what is stored was not written by this version.
var errRecord = errors.New("offline: record of an unknown form")

// size is what a message counts against MaxBytes.
func (e *entry) size() uint64 { return uint64(len(e.xml)) }

// record renders a message for the store.
func (e *entry) record(total uint64) []byte {
	b := make([]byte, 0, len(e.xml)+len(e.from)+16)
	b = append(b, recordVersion)
	b = binary.AppendUvarint(b, total)
	b = binary.AppendUvarint(b, uint64(len(e.from)))
	b = append(b, e.from...)
	return append(b, e.xml...)
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
