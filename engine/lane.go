package engine

import (
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// lane is the way that the last stanza of a client took, if that was a message which
// went to one session at once and which nobody else was to see: no home, filter, hook
// or archive, though somebody may wait for its receipt. The next one of the same read,
// to the same address and of the same type, goes there, too, without a look-up and
// without asking anybody again. That is what it would come to: nothing of its client
// came between them, so the client, its home and the loop know what they knew, and the
// routing table has not changed since before it was looked into. Loop only.
type lane struct {
	conn    *conn // the client's; nil: there is no lane
	to      []byte
	typ     stanza.Type
	target  [1]routing.Entry
	changes uint64 // of the table, before the look-up
	pays    bool   // more follows in the read
}

// close ends the lane; a look-up of the table may follow.
func (w *lane) close(t *routing.Table) { w.conn, w.changes = nil, t.Changes() }

// leads tells whether the stanza takes the lane.
func (w *lane) leads(c *conn, st *session.Stanza, e *Engine) bool {
	return w.conn == c && st.View.Kind == stanza.KindMessage && st.View.Type == w.typ && st.To.String() == string(w.to) &&
		e.table.Changes() == w.changes && e.recalls() == nil && !st.View.HasStanzaID()
}

// openLane notes the way of a message that has gone to its only target, whose marks
// are given.
func (l *loop) openLane(src *source, v *stanza.View, to string, target *routing.Entry, marks xep.Mark) {
	const asking = xep.MarkFilter | xep.MarkArchive | xep.MarkHeld
	e, c := l.engine, src.conn
	switch {
	case !l.lane.pays || c == nil || v.Kind != stanza.KindMessage || e.cfg.Hooks.Message != nil || e.cfg.Policy != nil:
	case (c.marks|marks)&asking != 0 || e.hooked(c.marks)|e.hooked(marks) != 0:
	default:
		w := &l.lane
		w.conn, w.typ = c, v.Type
		w.target[0] = routing.Entry{Mailbox: target.Mailbox, Marks: target.Marks} // its name would hold memory of the table
		w.to = append(w.to[:0], to...)
	}
}

// sendOne renders v for one session.
func (l *loop) sendOne(mb routing.Mailbox, v *stanza.View, fw *stanza.Forward) *entry {
	b := l.batchFor(mailboxLoop(mb))
	off := len(b.data)
	b.data = stanza.AppendForward(b.data, v, fw)
	return b.addStanza(mb, off)
}
