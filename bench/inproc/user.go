package inproc

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"sync/atomic"

	"github.com/xylem-im/xylem/session/sasl"
)

// everybody lets all users in, with the same password.
type everybody struct{ keys sasl.Credentials }

func (e *everybody) Credentials(_, _ string, done func(*sasl.Credentials, error)) { done(&e.keys, nil) }
func (e *everybody) Verify(_, _, _ string, done func(bool, error))                { done(false, nil) }

const (
	domain    = "localhost"
	farDomain = "elsewhere" // of the other server; as long
	password  = "secret"
	resource  = "phone"
	loginDone = "login-is-over" // id of the request behind the login
)

// user is the client's end of one session: as little as can be, since it is in
// the caches that the server uses. Users are an array, made before memory is
// measured, and so are their wires and logins.
type user struct {
	run   *run
	index uint32
	state atomic.Uint32
}

// States of a user.
const (
	stateLogin uint32 = iota
	stateReady
	stateClosed
	stateStalled // it reads nothing
)

// name is the localpart of user i.
func name(i int) string { return fmt.Sprintf("u%08d", i) }

// domainOf is the domain of user i. Those behind all sessions are at the other server.
func (r *run) domainOf(i int) string {
	if i < r.settings.Sessions {
		return domain
	}
	return farDomain
}

func (u *user) domain() string { return u.run.domainOf(int(u.index)) }

func (u *user) header() string {
	return "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' to='" + u.domain() + "'>"
}

// begin opens u's stream and begins to log in.
func (u *user) begin(dst []byte) ([]byte, error) {
	c, err := sasl.NewClient(sasl.SCRAMSHA1, sasl.ClientConfig{Username: name(int(u.index)), Password: password, Keys: &u.run.keys})
	if err != nil {
		return nil, err
	}
	u.run.exchanges[u.index] = c
	return fmt.Appendf(dst, u.header()+"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='%s'>%s</auth>",
		sasl.SCRAMSHA1, base64.StdEncoding.EncodeToString(c.First())), nil
}

// kind is how far a login goes.
type kind uint8

const (
	online  kind = iota // in stock to roster and presence
	bound               // no presence
	resumed             // to the session of the connection before
)

// answer is the response to a challenge and all that a client says until it is
// online, at once: the server answers in order.
func (u *user) answer(p []byte) ([]byte, error) {
	_, text, _ := bytes.Cut(p, challengeMark)
	_, text, _ = bytes.Cut(text, []byte(">"))
	text, _, _ = bytes.Cut(text, []byte("<"))
	challenge, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil {
		return nil, err
	}
	response, err := u.run.exchanges[u.index].Next(challenge)
	if err != nil {
		return nil, err
	}
	dst := fmt.Appendf(nil, "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>%s</response>", base64.StdEncoding.EncodeToString(response))
	if u.run.kind == resumed {
		last := u.run.previous[int(u.index)-u.run.settings.Sessions+len(u.run.previous)]
		return append(dst, u.header()+"<resume xmlns='urn:xmpp:sm:3' h='0' previd='"+last+"'/>"...), nil
	}
	dst = append(dst, u.header()+"<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>"+resource+"</resource></bind></iq>"...)
	if u.run.settings.Stock {
		dst = append(dst, "<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>"...)
	}
	if u.run.settings.Stock && u.run.kind == online {
		dst = append(dst, "<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://example.org/client' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/></presence>"...)
	}
	return append(dst, "<iq type='get' id='"+loginDone+"' to='"+u.domain()+"'><ping xmlns='urn:xmpp:ping'/></iq>"...), nil
}

var (
	challengeMark = []byte("<challenge")
	loginMark     = []byte(loginDone)
	resumedMark   = []byte("<resumed")
	failMark      = []byte("<failure")
	failedMark    = []byte("<failed")
	errorMark     = []byte("<stream:error")
)

// Write implements engine.Sink.
func (u *user) Write(p []byte) {
	if u.state.Load() == stateReady {
		u.run.arrived(u, p)
		return
	}
	switch {
	case u.state.Load() == stateStalled: // what its connection had taken before it was full
	case bytes.Contains(p, challengeMark):
		out, err := u.answer(p)
		if err != nil {
			u.fail(err.Error())
			return
		}
		u.run.wires[u.index].Send(out)
	case bytes.Contains(p, loginMark):
		u.run.exchanges[u.index] = nil
		u.state.Store(stateReady)
		u.run.loggedIn(u, true)
	case bytes.Contains(p, resumedMark):
		u.run.exchanges[u.index] = nil
		u.state.Store(stateReady)
		u.run.arrived(u, p) // what waited for it follows at once
		u.run.loggedIn(u, true)
	case bytes.Contains(p, failMark) || bytes.Contains(p, failedMark) || bytes.Contains(p, errorMark):
		u.fail(string(p[max(0, len(p)-300):]))
	}
}

// fail ends a login that is still under way.
func (u *user) fail(why string) {
	if u.state.CompareAndSwap(stateLogin, stateClosed) {
		u.run.refused.CompareAndSwap(nil, &why)
		u.run.loggedIn(u, false)
	}
}

// Buffered implements engine.Sink: the connection of a client that reads nothing takes
// nothing, so that all waits in the engine.
func (u *user) Buffered() int {
	if u.state.Load() == stateStalled {
		return fullBuffer
	}
	return 0
}

// CloseWrite and Closed implement engine.Sink.
func (u *user) CloseWrite() {}

func (u *user) Closed() {
	comers := u.run.comers.Load() // first: they begin when all who leave have been counted
	u.fail("the end of the connection")
	u.state.Store(stateClosed)
	if t := u.run.gone.Load(); t != nil {
		t.add(1)
	}
	if comers != nil {
		comers.left(u)
	}
}

// loggedIn is the end of a login.
func (r *run) loggedIn(u *user, ok bool) {
	if c := r.comers.Load(); c != nil {
		c.loggedIn(u, ok)
		return
	}
	r.logins <- ok
}
