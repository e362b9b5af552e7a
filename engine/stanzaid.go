package engine

import (
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// Ids of messages, XEP-0359. Every message passes through route, and what it
// carries there in the name of an account of ours did not come from us: so it
// is left out there, and what is found later is ours. An id is given where the
// account keeps the message: in the offline store, and in an archive.

// dropForged leaves out the ids that somebody else has set in the name of those
// whom this server speaks for (XEP-0359 §4 rule 2). The ids of others pass
// (rule 3), also those that a local service sets in its own name on what it
// sends to others.
func (l *loop) dropForged(src *source, to jid.View, fw *stanza.Forward) {
	account, client := to.Bare().JID.Clone(), src.origin != 0
	from, _ := jid.Parse(fw.From) // none: nothing is set in its name
	fw.Drop = func(e parser.Element) bool {
		if !stanza.IsStanzaID(e) {
			return false
		}
		raw, _ := e.Attr("by")
		by, err := jid.ParseBytes(parser.Unescape(raw))
		if err != nil || l.engine.table.Domain(by.Domain()) == nil {
			return false
		}
		by = by.Bare()
		return client || by == account || by != from.Bare()
	}
}

// identify gives a message of a kind that is kept an id in the name of the account,
// unless it carries one. The id is lent: valid until the next message gets one.
func (l *loop) identify(v *stanza.View, account jid.View, fw *stanza.Forward) {
	if !isLasting(v) {
		return
	}
	by := account.String()
	if fw.Drop == nil && v.HasStanzaID() {
		if _, ok := v.StanzaIDBy(by); ok {
			return
		}
	}
	if id := l.engine.registry.StanzaID(l, account, v); id != "" {
		fw.By, fw.ID = by, id
	}
}
