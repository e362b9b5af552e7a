package roster

import (
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// deleted ends the subscriptions of an account that goes, as if it had removed
// all its contacts. Its resources, which are about to be disconnected, are
// unavailable from here on. The engine empties the store when this has read what
// it needs.
func (x *extension) deleted(a *xep.Home) {
	c := x.of(a)
	c.enterLoaded(ofOwn, func() {
		for s := range c.sessions() {
			ref := c.ref(s)
			c.home.SetPresence(ref, false, 0)
			c.vanish(ref, s, appendPresence(nil, ref.JID, noAddress, stanza.TypeUnavailable))
		}
		known := c.book.known()
		for i, j := range known.jids {
			c.part(j, known.states[i])
		}
		c.book = book{}
		c.leave()
	}, func(stanza.Error) {}) // what is left are contacts that will find out by their next probe
}
