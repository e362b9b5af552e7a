package session

import (
	"slices"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// NSCSI is the namespace of XEP-0352 §8.
const NSCSI = "urn:xmpp:csi:0"

// maxHeld bounds what is held back from an inactive client, in bytes of
// stanzas. What would pass it sends all.
const maxHeld = 64 << 10

// inactive is what is kept of a client that has said that nobody looks at it
// (XEP-0352, version 1.0.0): stanzas that can wait, in their order, until it
// becomes active or something comes that cannot wait.
type inactive struct {
	held  []held
	bytes int
}

// held is a rendered stanza that waits.
type held struct {
	class  class
	from   string // as written
	stanza []byte
}

// Inactive tells whether the client has said that nobody looks at it. Then
// Deliver must see the whole stanza.
func (s *Session) Inactive() bool { return s.inactive != nil }

// clientState takes <active/> and <inactive/>; false when f is neither.
func (s *Session) clientState(f *parser.Frame, out *Out) bool {
	switch {
	case string(f.Namespace()) != NSCSI:
		return false
	case string(f.Local()) == "inactive":
		if s.inactive == nil {
			s.inactive = &inactive{}
		}
	case string(f.Local()) == "active":
		if s.inactive != nil {
			s.flushHeld(s.active, out)
			s.inactive = nil
		}
	default:
		return false
	}
	return true
}

// deliverInactive holds st back, or has it written after all that was. What
// somebody waits for is not held back.
func (s *Session) deliverInactive(now int64, st []byte, how Delivery, out *Out) {
	i := s.inactive
	class, from := out.peek.class(st)
	if class != urgent && class != event {
		i.drop(class, from)
	}
	if class == urgent || how&(Kept|Awaited) != 0 || i.bytes+len(st) > maxHeld {
		s.flushHeld(now, out)
		s.pass(now, st, how, out)
		return
	}
	i.held = append(i.held, held{class, string(from), slices.Clone(st)})
	i.bytes += len(st)
	out.Held = true
}

// drop forgets what a newer stanza of the same class and sender replaces.
func (i *inactive) drop(c class, from []byte) {
	for n := range i.held {
		h := &i.held[n]
		if h.class == c && h.from == string(from) {
			i.bytes -= len(h.stanza)
			i.held = slices.Delete(i.held, n, n+1)
			return
		}
	}
}

// flushHeld writes what was held.
func (s *Session) flushHeld(now int64, out *Out) {
	held := s.inactive.held
	s.inactive.held, s.inactive.bytes = nil, 0
	for _, h := range held {
		if s.state == stateBound {
			out.Bytes = append(out.Bytes, h.stanza...)
		}
		s.count(now, h.stanza, Alone, out)
	}
}

// class says how long a stanza can wait.
type class uint8

const (
	urgent    class = iota // not at all
	presence               // of a contact: only the newest counts
	chatState              // XEP-0085 and nothing else: only the newest counts
	event                  // a PubSub notification: all count
)

// nsEvent is the namespace of notifications, XEP-0060 §17.
const nsEvent = "http://jabber.org/protocol/pubsub#event"

// peeker reads rendered stanzas. The zero value is ready.
type peeker struct {
	scanner *parser.Scanner
	stream  parser.Stream
	limits  parser.Limits
}

const peekHeader = "<stream:stream xmlns='" + stanza.NSClient + "' xmlns:stream='" + stanza.NSStream + "'>"

// class reads a rendered stanza. from is its sender as written, valid until
// st changes.
func (p *peeker) class(st []byte) (c class, from []byte) {
	if p.scanner == nil {
		p.scanner = parser.NewScanner()
		p.limits = parser.Limits{StanzaBytes: maxHeld}.WithDefaults()
	}
	p.scanner.Release(&p.stream)
	p.stream.Reset(&p.limits)
	if _, _, err := p.scanner.Next(&p.stream, []byte(peekHeader)); err != nil {
		return urgent, nil
	}
	f, n, err := p.scanner.Next(&p.stream, st)
	if err != nil || f == nil || n != len(st) {
		return urgent, nil // too large to be held, in any case
	}
	v, ok := stanza.Of(f)
	if !ok {
		return urgent, nil
	}
	return classOf(&v), v.From()
}

func classOf(v *stanza.View) class {
	switch {
	case v.Kind == stanza.KindPresence && (v.Type == stanza.TypeNone || v.Type == stanza.TypeUnavailable):
		return presence
	case v.Kind == stanza.KindMessage && v.Type != stanza.TypeError:
		return messageClass(v.Frame.Element())
	}
	return urgent
}

// messageClass looks at all that a message carries: one thing that cannot wait
// makes it urgent.
func messageClass(message parser.Element) class {
	found := urgent
	for child := range message.Children() {
		c := urgent
		switch ns := string(child.Namespace()); {
		case ns == stanza.NSHints, ns == stanza.NSStanzaID, ns == stanza.NSDelay, child.Is(stanza.NSClient, "thread"):
			continue
		case ns == stanza.NSChatStates:
			c = chatState
		case ns == stanza.NSCarbons:
			c = messageClass(child.Child(stanza.NSForward, "forwarded").Child(stanza.NSClient, "message"))
		case child.Is(nsEvent, "event"):
			c = event
		}
		if c == urgent {
			return urgent
		}
		found = max(found, c)
	}
	return found
}
