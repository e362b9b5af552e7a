// Package stanzaid gives messages that wait for an account the id by which the
// account knows them: XEP-0359 version 0.7.0.
//
// The id is random. It is set when the message goes to the store, so it is the same
// when the message comes twice after a broken connection, and in all copies. What
// is delivered at once gets none while the account has no archive in which it
// could be found by its id: it would only cost the recipient bytes.
//
// That nobody else sets ids in an account's name, which §4 demands of whoever
// announces the namespace, is kept by the engine on the way of every message.
// Ids of others, and <origin-id/>, pass untouched.
package stanzaid

import (
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// Register adds the extension. An archive does the same for itself and is to be
// registered in its place.
func Register(r *xep.Registry) error {
	r.Feature(xep.Account, stanza.NSStanzaID) // §6: of the entity that stands in by
	return r.StanzaIDs(func(h xep.Host, _ jid.View, _ *stanza.View) string { return h.LentID() })
}
