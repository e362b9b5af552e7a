package engine

import (
	"bytes"

	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// lane is the way that the last stanza of a client took, if that was a message which
// went to its sessions at once and which nobody else was to see: no home, filter, hook
// or archive, though somebody may wait for its receipt, and others may get copies. The
// next one of the same read, to the same address and of the same type, goes there, too,
// without a look-up and without asking anybody again, but for whether it is copied: that
// depends on what it holds. It is what it would come to: nothing of its client
// came between them, so the client, its home and the loop know what they knew, and the
// routing table has not changed since before it was looked into. Loop only.
type lane struct {
	conn    *conn // the client's; nil: there is no lane
	to      []byte
	typ     stanza.Type
	rawType []byte // as it is written
	targets []routing.Entry
	marks   xep.Mark  // of targets
	copies  [2]copies // by xep.Direction
	changes uint64    // of the table, before the look-up
	pays    bool      // more follows in the read
}

// close ends the lane; a look-up of the table may follow.
func (w *lane) close(t *routing.Table) {
	w.conn, w.changes = nil, t.Changes()
	w.copies[xep.Sent].clear()
	w.copies[xep.Received].clear()
}

// leads tells whether the stanza takes the lane.
func (w *lane) leads(c *conn, st *session.Stanza, e *Engine) bool {
	return w.conn == c && e.takesShortWays() && st.View.Kind == stanza.KindMessage && st.View.Type == w.typ && st.To.String() == string(w.to) &&
		e.table.Changes() == w.changes && e.recalls() == nil && !st.View.HasStanzaID() &&
		(w.typ != stanza.TypeUnknown || bytes.Equal(rawType(&st.View), w.rawType))
}

func rawType(v *stanza.View) []byte {
	raw, _ := v.Frame.Type()
	return raw
}

// take sends a message on the lane.
func (w *lane) take(l *loop, c *conn, v *stanza.View, st *session.Stanza, fw *stanza.Forward) {
	sent, received := false, false
	if len(w.copies[xep.Sent].list)+len(w.copies[xep.Received].list) > 0 {
		sent, received = l.engine.copier.Copied(v, c.session.JID())
	}
	if sent {
		w.copies[xep.Sent].give(l, v, fw, xep.Sent)
	}
	if l.give(&source{conn: c, origin: c.mailbox()}, v, st.To, fw, w.targets, w.marks) && received {
		w.copies[xep.Received].give(l, v, fw, xep.Received)
	}
}

// openLane notes the way of a message that has gone to its targets, whose marks
// are given.
func (l *loop) openLane(src *source, v *stanza.View, to string, targets []routing.Entry, marks xep.Mark) {
	const asking = xep.MarkFilter | xep.MarkArchive | xep.MarkHeld
	e, c := l.engine, src.conn
	switch {
	case !l.lane.pays || c == nil || v.Kind != stanza.KindMessage || e.cfg.Hooks.Message != nil || e.cfg.Policy != nil:
	case (c.marks|marks)&(asking|e.hookMarks) != 0:
	default:
		w := &l.lane
		w.conn, w.typ, w.marks = c, v.Type, marks
		w.rawType = append(w.rawType[:0], rawType(v)...)
		w.targets = w.targets[:0]
		for i := range targets { // their names would hold memory of the table
			w.targets = append(w.targets, routing.Entry{Mailbox: targets[i].Mailbox, Marks: targets[i].Marks})
		}
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
