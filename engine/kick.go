package engine

import (
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/stanza"
)

// Kick closes the sessions of an account (bare JID) or one of its resources
// (full JID) with a stream error and returns how many there were.
func (e *Engine) Kick(address string, reason stanza.StreamError) int {
	who, err := jid.Parse(address)
	if err != nil {
		return 0
	}
	d := e.table.Domain(who.Domain())
	if d == nil {
		return 0
	}
	if who.IsFull() {
		entry, ok := d.LookupFull(who.Local(), who.Resource())
		if !ok {
			return 0
		}
		return e.end([]routing.Entry{entry}, reason)
	}
	return e.end(d.Lookup(who.Local(), nil), reason)
}

// end closes sessions with a stream error.
func (e *Engine) end(entries []routing.Entry, reason stanza.StreamError) int {
	for i := range entries {
		e.send(entries[i].Mailbox, &ending{err: reason})
	}
	return len(entries)
}
