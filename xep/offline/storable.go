package offline

import (
	"github.com/xylem-im/xylem/stanza"
)

// fate is what becomes of a message that cannot be delivered now.
type fate uint8

const (
	stored  fate = iota
	refused      // the sender gets an error
	dropped      // nobody is told: it spoke of a moment that is over
)

// storable decides by XEP-0160 §3 and XEP-0334 §4:
//
//	groupchat, headline, error        refused (an error is never answered)
//	with <no-store/>                  refused
//	with <store/>                     stored
//	chat with nothing but chat states dropped
//	other chat and normal             stored
//
// The hint <no-permanent-store/> is about archives and allows storing on the
// way (XEP-0334 §3.3).
func storable(v *stanza.View) fate {
	switch v.Type {
	case stanza.TypeGroupchat, stanza.TypeHeadline, stanza.TypeError:
		return refused
	}
	if f := v.Frame; f.HasChild(stanza.NSClient, "body") && !f.HasChild(stanza.NSHints, "no-store") {
		return stored // as nearly all are
	}
	c := contentOf(v)
	switch {
	case c.noStore && c.onlyState():
		return dropped
	case c.noStore:
		return refused
	case c.store:
		return stored
	case v.Type == stanza.TypeChat && c.onlyState():
		return dropped
	}
	return stored
}

// content is what a message holds as far as it matters here.
type content struct {
	state, other, store, noStore bool
}

// onlyState: a chat state and nothing worth keeping, XEP-0085 §5.
func (c *content) onlyState() bool { return c.state && !c.other }

func contentOf(v *stanza.View) (c content) {
	for w := v.Frame.Element().Walk(); w.Next(); {
		e := w.Element()
		switch ns := string(e.Namespace()); {
		case ns == stanza.NSChatStates:
			c.state = true
		case ns == stanza.NSHints:
			switch string(e.Local()) {
			case "store":
				c.store = true
			case "no-store":
				c.noStore = true
			}
		case ns == stanza.NSClient && string(e.Local()) == "thread": // goes with a chat state, XEP-0085 §5.3
		default:
			c.other = true
		}
	}
	return c
}
