package stanzaid_test

import (
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// archive stands for one: it marks every account, counts the messages that it
// gives an id, and tells the account's other sessions what it was shown.
func archive(r *xep.Registry) error {
	var n atomic.Int64
	r.Session(xep.Session{Opened: func(a *xep.Home, s xep.SessionRef, done func()) {
		a.Mark(s.JID, xep.MarkArchive, 0)
		done()
	}})
	tell := func(name string) func(xep.Host, *xep.MessageView) {
		return func(h xep.Host, m *xep.MessageView) {
			if m.View.Type == stanza.TypeHeadline {
				return // a play's own marks
			}
			account := m.To.Bare().JID
			if name == "sent" {
				account = m.From.Bare()
			}
			full, err := account.WithResource("log")
			if err != nil {
				panic(err)
			}
			b := stanza.AppendAttr([]byte("<message"), "id", name)
			h.Deliver(full, append(stanza.AppendForward(append(b, '>'), m.View, &m.Forward), "</message>"...), nil)
		}
	}
	r.Message(xep.Message{When: xep.MarkArchive, Sent: tell("sent"), Received: tell("received")})
	return r.StanzaIDs(func(_ xep.Host, account jid.View, v *stanza.View) string {
		if string(v.ID()) == "unkept" {
			return ""
		}
		return account.JID.Local() + strconv.FormatInt(n.Add(1), 10)
	})
}

// What an archive keeps goes out with the archive's own id, once for each
// account, the same to all of its sessions.
func TestArchive(t *testing.T) { enginetest.Plays(t, archive) }
