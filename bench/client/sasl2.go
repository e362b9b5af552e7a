package client

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/session/sasl"
)

// How a session logs in.
const (
	Classic = "classic" // SASL, a new stream, binding (RFC 6120)
	SASL2   = "sasl2"   // all in one exchange (XEP-0388, XEP-0386)
	FAST    = "fast"    // the same by a token, which the account's first login fetches (XEP-0484)
	Resume  = "resume"  // the same, and the session of the login before is resumed (XEP-0198 §10)
)

// Logins lists them.
var Logins = [...]string{Classic, SASL2, FAST, Resume}

// Namespaces of login in one exchange.
const (
	nsSASL2 = "urn:xmpp:sasl:2"
	nsBind2 = "urn:xmpp:bind:0"
	nsFAST  = "urn:xmpp:fast:0"
)

// memory is what clients remember of their logins, by user.
type memory struct {
	mu    sync.Mutex
	known map[string]remembered
}

type remembered struct {
	token    string   // "": none
	previous *Session // the last one; nil: none
	resumes  string   // its id, "" when it cannot be resumed
}

func (m *memory) of(user string) remembered {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.known[user]
}

func (m *memory) set(user string, r remembered) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil {
		m.known = make(map[string]remembered)
	}
	m.known[user] = r
}

// agent is the id of an account's client: a UUID that each run makes alike.
func agent(index int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012x", index) }

// loginAtOnce opens the stream and logs in by one exchange. A client that has been
// here before knows what is offered, and does not wait for it.
func (l *login) loginAtOnce() error {
	known := l.opts.memory.of(l.Account.User)
	byToken := known.token != "" && l.opts.Login != SASL2
	mechanism, secret := sasl.HTNone, known.token
	if !byToken {
		f, err := l.open()
		if err != nil {
			return err
		}
		if len(f.mechanisms2) == 0 {
			return fmt.Errorf("%w: SASL2 is not offered", ErrRefused)
		}
		if mechanism, err = l.mechanism(f.mechanisms2); err != nil {
			return err
		}
		secret = l.Account.Password
	}
	c, err := sasl.NewClient(mechanism, sasl.ClientConfig{Username: l.Account.User, Password: secret, Keys: &l.opts.keys})
	if err != nil {
		return err
	}
	out := "<authenticate xmlns='" + nsSASL2 + "' mechanism='" + mechanism + "'><initial-response>" +
		base64.StdEncoding.EncodeToString(c.First()) + "</initial-response>" + l.wishes(known, byToken) + "</authenticate>"
	if byToken {
		l.restart()
		if err := l.Send([]byte(l.header() + out)); err != nil {
			return err
		}
		if err := l.greeted(); err != nil {
			return err
		}
		if err := l.next(func(*parser.Frame) error { return nil }); err != nil { // the features
			return err
		}
	} else if err := l.Send([]byte(out)); err != nil {
		return err
	}
	return l.exchange2(c, known)
}

// wishes are what goes into <authenticate/> beside the message.
func (l *login) wishes(known remembered, byToken bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<user-agent id='%s'><software>xylem-bench</software></user-agent>", agent(l.Account.Index))
	if byToken {
		b.WriteString("<fast xmlns='" + nsFAST + "'/>")
	} else if l.opts.Login != SASL2 {
		b.WriteString("<request-token xmlns='" + nsFAST + "' mechanism='" + sasl.HTNone + "'/>")
	}
	if known.resumes != "" && l.opts.Login == Resume {
		fmt.Fprintf(&b, "<resume xmlns='%s' previd='%s' h='%d'/>", nsManagement, known.resumes, known.previous.handled)
	}
	b.WriteString("<bind xmlns='" + nsBind2 + "'><tag>bench</tag>")
	switch {
	case l.opts.Login == Resume:
		b.WriteString("<enable xmlns='" + nsManagement + "' resume='true'/>")
	case l.opts.StreamManagement:
		b.WriteString("<enable xmlns='" + nsManagement + "'/>")
	}
	b.WriteString("</bind>")
	return b.String()
}

// exchange2 goes on until <success/>, and remembers what that brings.
func (l *login) exchange2(c *sasl.Client, known remembered) error {
	for {
		var answer []byte
		success := false
		err := l.next(func(f *parser.Frame) error {
			switch e := f.Element(); {
			case e.Is(nsSASL2, "challenge"):
				data, err := base64.StdEncoding.DecodeString(string(e.AppendText(nil)))
				if err == nil {
					answer, err = c.Next(data)
				}
				return err
			case e.Is(nsSASL2, "success"):
				success = true
				return l.welcomed(e, c, known)
			}
			return unexpected(f, "<success/>")
		})
		switch {
		case err != nil:
			return err
		case success && l.resumed: // no features follow, XEP-0198 §10.2
			return nil
		case success:
			return l.next(func(*parser.Frame) error { return nil })
		}
		if err := l.Send([]byte("<response xmlns='" + nsSASL2 + "'>" + base64.StdEncoding.EncodeToString(answer) + "</response>")); err != nil {
			return err
		}
	}
}

// welcomed takes <success/>.
func (l *login) welcomed(e parser.Element, c *sasl.Client, known remembered) error {
	if data := e.Child(nsSASL2, "additional-data"); !data.IsZero() {
		b, err := base64.StdEncoding.DecodeString(string(data.AppendText(nil)))
		if err == nil {
			err = c.Finish(b)
		}
		if err != nil {
			return err
		}
	}
	l.JID = string(e.Child(nsSASL2, "authorization-identifier").AppendText(nil))
	if t, ok := e.Child(nsFAST, "token").Attr("token"); ok {
		known.token = string(slices.Clone(parser.Unescape(t)))
	}
	bound := e.Child(nsBind2, "bound")
	enabled := bound.Child(nsManagement, "enabled")
	l.resumed = !e.Child(nsManagement, "resumed").IsZero()
	l.managed = l.resumed || !enabled.IsZero()
	switch {
	case l.resumed:
		l.handled = known.previous.handled
	case bound.IsZero():
		return fmt.Errorf("%w: no resource was bound", ErrRefused)
	case l.opts.Login == Resume:
		id, _ := enabled.Attr("id")
		known.resumes = string(slices.Clone(parser.Unescape(id)))
	}
	if known.previous = l.Session; known.resumes == "" {
		known.previous = nil
	}
	if l.opts.Login != SASL2 {
		l.opts.memory.set(l.Account.User, known)
	}
	return nil
}
