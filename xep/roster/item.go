package roster

import (
	"encoding/binary"
	"errors"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// item is a contact as it is stored.
type item struct {
	state  State
	name   string // empty: none
	groups []string
}

// itemFormat is the first byte of a stored item; then come the state, the
// name, the number of groups and the groups, each text after its length.
const itemFormat = 1

// errFormat: a stored value is none that this version understands.
var errFormat = errors.New("roster: unknown format of a stored value")

func (it *item) encode() []byte {
	b := append(make([]byte, 0, 8+len(it.name)), itemFormat, byte(it.state))
	b = appendString(b, it.name)
	b = binary.AppendUvarint(b, uint64(len(it.groups)))
	for _, g := range it.groups {
		b = appendString(b, g)
	}
	return b
}

// stateOf reads only the state.
func stateOf(b []byte) (State, error) {
	if len(b) < 2 || b[0] != itemFormat {
		return 0, errFormat
	}
	return State(b[1]), nil
}

func decodeItem(b []byte) (it item, err error) {
	if it.state, err = stateOf(b); err != nil {
		return item{}, err
	}
	r := reader{b: b[2:]}
	it.name = r.string()
	for n := r.number(); n > 0 && !r.failed; n-- {
		it.groups = append(it.groups, r.string())
	}
	if r.failed {
		return item{}, errFormat
	}
	return it, nil
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// reader takes stored values apart.
type reader struct {
	b      []byte
	failed bool
}

func (r *reader) number() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.failed = true
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *reader) string() string {
	n := r.number()
	if n > uint64(len(r.b)) {
		r.failed = true
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

// append writes the <item/> of RFC 6121 §2.1.2.
func (it *item) append(dst []byte, j jid.JID) []byte {
	dst = stanza.AppendAttr(append(dst, "<item"...), "jid", j.String())
	if it.name != "" {
		dst = stanza.AppendAttr(dst, "name", it.name)
	}
	dst = stanza.AppendAttr(dst, "subscription", it.state.attr())
	if it.state&PendingOut != 0 {
		dst = append(dst, " ask='subscribe'"...)
	}
	if it.state&Approved != 0 {
		dst = append(dst, " approved='true'"...)
	}
	if len(it.groups) == 0 {
		return append(dst, "/>"...)
	}
	dst = append(dst, '>')
	for _, g := range it.groups {
		dst = append(parser.AppendText(append(dst, "<group>"...), g), "</group>"...)
	}
	return append(dst, "</item>"...)
}

// appendRemoved writes the item of a contact that is gone, §2.5.
func appendRemoved(dst []byte, j jid.JID) []byte {
	dst = stanza.AppendAttr(append(dst, "<item"...), "jid", j.String())
	return append(dst, " subscription='remove'/>"...)
}
