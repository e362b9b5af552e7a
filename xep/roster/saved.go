package roster

import (
	"encoding/binary"
	"errors"
	"unique"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// savedVersion is the first byte of what is kept of a session over a restart:
// its presence, and who knows of it by directed presence. Contacts have seen
// that presence, so nothing is sent when the session is restored.
const savedVersion = 1

// errSaved: what is kept was not written by this version.
var errSaved = errors.New("roster: state of a session of an unknown form")

// save is xep.Session.Save.
func (x *extension) save(a *xep.Home, ref xep.SessionRef) []byte {
	c := x.of(a)
	s := c.session(ref.ID)
	if s == nil || !s.available && len(s.told()) == 0 {
		return nil
	}
	b := []byte{savedVersion, 0, byte(s.priority)}
	if s.available {
		b[1] = 1
	}
	p := s.presence()
	var inner content
	if p.content != noContent {
		inner = p.content.Value()
	}
	b = appendText(b, p.start)
	b = binary.AppendUvarint(b, uint64(inner.added))
	b = appendText(b, inner.text)
	for _, to := range s.told() {
		if len(b) > xep.MaxSaved-4096 {
			break // these will not hear that the session ends
		}
		b = appendText(b, to.String())
	}
	return b
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// restore is xep.Session.Restore.
func (x *extension) restore(a *xep.Home, ref xep.SessionRef, saved []byte, done func()) {
	c := x.of(a)
	before, err := parseSaved(saved)
	if err != nil {
		done()
		return
	}
	c.withBook(ofOwn, func() {
		if s := c.session(ref.ID); s != nil && c.home.SetPresence(ref, before.available, before.priority) {
			was := s.resource(ref)
			before.id = s.id
			*s = before
			if now := s.resource(ref); now != was {
				c.home.Registry().SessionAvailable(c.home, ref, was, now)
			}
		}
		done()
	}, func(stanza.Error) { done() })
}

func parseSaved(b []byte) (s live, err error) {
	if len(b) < 3 || b[0] != savedVersion {
		return s, errSaved
	}
	s.available, s.priority = b[1] == 1, int8(b[2])
	b = b[3:]
	var start, text string
	if start, b, err = cutText(b); err != nil {
		return s, err
	}
	added, n := binary.Uvarint(b)
	if n <= 0 {
		return s, errSaved
	}
	if text, b, err = cutText(b[n:]); err != nil {
		return s, err
	}
	if added > uint64(len(text)) {
		return s, errSaved
	}
	if text != "" {
		s.content = unique.Make(content{text, int(added)})
	}
	var directed []jid.JID
	for len(b) > 0 {
		var text string
		if text, b, err = cutText(b); err != nil {
			return s, err
		}
		to, err := jid.Parse(text)
		if err != nil {
			return s, errSaved
		}
		directed = append(directed, to)
	}
	s.setRare(start, directed)
	return s, nil
}

func cutText(b []byte) (text string, rest []byte, err error) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return "", nil, errSaved
	}
	return string(b[n : n+int(size)]), b[n+int(size):], nil
}
