package roster

import (
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// restamp broadcasts the presence of those resources anew for which other
// extensions have something else to add than when it was sent.
func (x *extension) restamp(a *xep.Home) {
	c := x.of(a)
	c.withBook(ofOwn, func() {
		for s := range c.sessions() {
			if !s.available {
				continue
			}
			if p, ok := c.stampedAnew(s); ok && p.content != s.content {
				s.say(p)
				st := c.render(s, noAddress)
				c.broadcast(st, behindFrom(st))
			}
		}
	}, func(stanza.Error) {}) // the next presence of the client has it
}

// stampedAnew is a presence with what is added to it now.
func (c *account) stampedAnew(s *live) (presence, bool) {
	raw := c.unstamped(s)
	scanner, limits := parser.NewScanner(), parser.Limits{StanzaBytes: 2 * len(raw)}.WithDefaults()
	var stream parser.Stream
	stream.Reset(&limits)
	const header = "<stream:stream xmlns='" + stanza.NSClient + "' xmlns:stream='" + stanza.NSStream + "'>"
	if _, _, err := scanner.Next(&stream, []byte(header)); err != nil {
		return presence{}, false
	}
	frame, _, err := scanner.Next(&stream, raw)
	if err != nil || frame == nil {
		return presence{}, false
	}
	v, ok := stanza.Of(frame)
	if !ok {
		return presence{}, false
	}
	return newPresence(raw, frame.Content(), c.stamp(&v), c.full(s)), true
}
