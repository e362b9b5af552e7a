package roster

import "github.com/xylem-im/xylem/stanza"

// What the tests of the tables and of stored values look at.
const (
	CollectionItems    = collectionItems
	CollectionRequests = collectionRequests
	CollectionLog      = collectionLog
)

// Outbound is outbound.
func Outbound(s State, t stanza.Type) (pass bool, next State) {
	do := outbound(s, t)
	return do.pass, do.next
}

// Inbound is inbound.
func Inbound(s State, t stanza.Type) (pass bool, next State, reply stanza.Type) {
	do := inbound(s, t)
	return do.pass, do.next, do.reply
}

// Stored is an item as it is stored.
func Stored(s State, name string, groups ...string) []byte {
	it := item{state: s, name: name, groups: groups}
	return it.encode()
}

// Unstored takes it apart.
func Unstored(b []byte) (s State, name string, groups []string, err error) {
	it, err := decodeItem(b)
	return it.state, it.name, it.groups, err
}
