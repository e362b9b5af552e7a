package client

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/session/sasl"
)

// Namespaces of the negotiation.
const (
	nsTLS        = "urn:ietf:params:xml:ns:xmpp-tls"
	nsSASL       = "urn:ietf:params:xml:ns:xmpp-sasl"
	nsBind       = "urn:ietf:params:xml:ns:xmpp-bind"
	nsSession    = "urn:ietf:params:xml:ns:xmpp-session"
	nsStream     = "http://etherx.jabber.org/streams"
	nsManagement = "urn:xmpp:sm:3"
	nsRoster     = "jabber:iq:roster"
)

// ErrRefused is wrapped by errors about something that the server said no to.
var ErrRefused = errors.New("refused by the server")

// errNoResult is an IQ that was answered by an error.
var errNoResult = errors.New("IQ error")

// Timings are the parts of a login.
type Timings struct {
	Connect time.Duration // TCP
	TLS     time.Duration // stream header, STARTTLS and handshake; 0 in the clear
	Auth    time.Duration // stream header and SASL
	Bind    time.Duration // stream header, resource binding or resumption, stream management
	Roster  time.Duration // the roster, if it was asked for
}

// Total is the whole login.
func (t Timings) Total() time.Duration { return t.Connect + t.TLS + t.Auth + t.Bind + t.Roster }

// Login connects and logs in. The session that it returns has not sent
// presence and belongs to the caller, who must Close or Abort it.
func Login(ctx context.Context, opts *Options, a Account) (*Session, error) {
	return enter(ctx, opts, a, (*login).negotiate)
}

// enter connects and lets negotiate do the rest.
func enter(ctx context.Context, opts *Options, a Account, negotiate func(*login, context.Context) error) (*Session, error) {
	ctx, cancel := context.WithTimeout(ctx, opts.timeout())
	defer cancel()
	l, err := dial(ctx, opts, a)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = l.tcp.Close() })
	if opts.Relay {
		err = l.greetRelay()
	} else {
		err = negotiate(l, ctx)
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		l.Abort()
		if ctx.Err() != nil {
			err = fmt.Errorf("%w after %v: %w", context.Cause(ctx), opts.timeout(), err)
		}
		return nil, fmt.Errorf("%s: %w", a.User, err)
	}
	return l.Session, nil
}

// login is a Session that is not ready yet.
type login struct {
	*Session
	mark time.Time
}

// lap returns the time since the last lap.
func (l *login) lap() time.Duration {
	now := time.Now()
	d := now.Sub(l.mark)
	l.mark = now
	return d
}

func dial(ctx context.Context, opts *Options, a Account) (*login, error) {
	d := net.Dialer{}
	if opts.Source != nil {
		d.LocalAddr = &net.TCPAddr{IP: opts.Source(a.Index)}
	}
	l := &login{mark: time.Now()}
	c, err := d.DialContext(ctx, "tcp", opts.Address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.User, err)
	}
	tcp, err := newWire(c.(*net.TCPConn))
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	l.Session = &Session{Account: a, opts: opts, tcp: tcp, conn: tcp}
	l.stream.SetLimits(l.opts.stanzaLimits())
	l.timings.Connect = l.lap()
	return l, nil
}

// features are what matters of <stream:features/>.
type features struct {
	startTLS, session, management bool
	mechanisms                    []string
	mechanisms2                   []string // of SASL2
}

// negotiate logs in and binds a resource.
func (l *login) negotiate(ctx context.Context) error {
	classic := l.opts.Login == "" || l.opts.Login == Classic
	if err := l.enterStream(ctx, classic); err != nil || !l.opts.Roster {
		return err
	}
	err := l.roster()
	l.timings.Roster = l.lap()
	return err
}

// enterStream is the login without the roster.
func (l *login) enterStream(ctx context.Context, classic bool) error {
	if !classic {
		if err := l.encrypt(ctx); err != nil {
			return err
		}
		l.timings.TLS = l.lap()
		err := l.loginAtOnce()
		l.timings.Auth = l.lap()
		return err
	}
	f, err := l.prove(ctx)
	if err != nil {
		return err
	}
	err = l.bind(f)
	l.timings.Bind = l.lap()
	return err
}

// prove goes as far as the features of an authenticated stream.
func (l *login) prove(ctx context.Context) (*features, error) {
	f, err := l.openSecure(ctx)
	if err != nil {
		return nil, err
	}
	l.timings.TLS = l.lap()
	if l.opts.TLS == nil {
		l.timings.Connect, l.timings.TLS = l.timings.Connect+l.timings.TLS, 0
	}
	if err := l.authenticate(f.mechanisms); err != nil {
		return nil, err
	}
	l.timings.Auth = l.lap()
	return l.open()
}

// openSecure returns the features of the stream that passwords may go over.
func (l *login) openSecure(ctx context.Context) (*features, error) {
	if l.opts.TLS != nil {
		if err := l.encrypt(ctx); err != nil {
			return nil, err
		}
	}
	return l.open()
}

// encrypt goes on inside TLS.
func (l *login) encrypt(ctx context.Context) error {
	if l.opts.TLS == nil {
		return fmt.Errorf("%w: login by %s needs TLS", ErrRefused, l.opts.Login)
	}
	if !l.opts.DirectTLS {
		f, err := l.open()
		if err != nil {
			return err
		}
		if !f.startTLS {
			return fmt.Errorf("%w: STARTTLS is not offered", ErrRefused)
		}
		if err := l.request("<starttls xmlns='"+nsTLS+"'/>", nsTLS, "proceed", nil); err != nil {
			return err
		}
	}
	return l.secure(ctx)
}

func (l *login) secure(ctx context.Context) error {
	c := tls.Client(l.tcp, l.opts.TLS)
	if err := c.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("TLS: %w", err)
	}
	l.conn = c
	return nil
}

// open begins a stream (RFC 6120 §4.2) and returns what is offered.
func (l *login) open() (*features, error) {
	l.restart()
	if err := l.Send([]byte(l.header())); err != nil {
		return nil, err
	}
	if err := l.greeted(); err != nil {
		return nil, err
	}
	var got features
	return &got, l.next(func(f *parser.Frame) error {
		if !f.Element().Is(nsStream, "features") {
			return unexpected(f, "stream features")
		}
		for e := range f.Element().Children() {
			switch {
			case e.Is(nsTLS, "starttls"):
				got.startTLS = true
			case e.Is(nsSession, "session"):
				got.session = e.Child("", "optional").IsZero()
			case e.Is(nsManagement, "sm"):
				got.management = true
			case e.Is(nsSASL, "mechanisms"):
				for m := range e.Children() {
					got.mechanisms = append(got.mechanisms, string(m.AppendText(nil)))
				}
			case e.Is(nsSASL2, "authentication"):
				for m := range e.Children() {
					if string(m.Local()) == "mechanism" {
						got.mechanisms2 = append(got.mechanisms2, string(m.AppendText(nil)))
					}
				}
			}
		}
		return nil
	})
}

// restart expects a new stream.
func (l *login) restart() {
	l.stream = parser.Stream{}
	l.stream.SetLimits(l.opts.stanzaLimits())
}

func (l *login) header() string {
	return "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='" + nsStream +
		"' version='1.0' to='" + l.opts.Domain + "'>"
}

// greeted takes the server's stream header.
func (l *login) greeted() error {
	return l.next(func(f *parser.Frame) error {
		if f.Kind() != parser.StreamOpen {
			return unexpected(f, "a stream header")
		}
		return nil
	})
}

// next waits for one frame. It reads no further than that, because TLS may
// begin behind it.
func (l *login) next(take func(*parser.Frame) error) error {
	for {
		var inner error
		done, err := l.scan(func(f *parser.Frame) bool {
			inner = take(f)
			return false
		})
		if done {
			return inner
		}
		if err == nil {
			err = l.fill()
		}
		if err != nil {
			return err
		}
	}
}

// request sends and waits for the named element, which it gives to take.
func (l *login) request(xml, namespace, local string, take func(*parser.Frame) error) error {
	if err := l.Send([]byte(xml)); err != nil {
		return err
	}
	return l.next(func(f *parser.Frame) error {
		if !f.Element().Is(namespace, local) {
			return unexpected(f, "<"+local+"/>")
		}
		if take != nil {
			return take(f)
		}
		return nil
	})
}

func unexpected(f *parser.Frame, want string) error {
	raw := string(f.Raw())
	if len(raw) > 300 {
		raw = raw[:300] + "…"
	}
	if f.Kind() == parser.StreamClose {
		raw = "the end of the stream"
	}
	return fmt.Errorf("%w: want %s, got %s", ErrRefused, want, raw)
}

// Mechanisms are those that clients know, the best first.
var Mechanisms = [...]string{sasl.SCRAMSHA256, sasl.SCRAMSHA1, sasl.Plain}

func (l *login) mechanism(offered []string) (string, error) {
	wanted := Mechanisms[:]
	if l.opts.Mechanism != "" {
		wanted = []string{l.opts.Mechanism}
	}
	for _, m := range wanted {
		if slices.Contains(offered, m) {
			return m, nil
		}
	}
	return "", fmt.Errorf("%w: it offers %v to log in, not %s", ErrRefused, offered, strings.Join(wanted, " or "))
}

// authenticate is RFC 6120 §6.
func (l *login) authenticate(offered []string) error {
	name, err := l.mechanism(offered)
	if err != nil {
		return err
	}
	c, err := sasl.NewClient(name, sasl.ClientConfig{Username: l.Account.User, Password: l.Account.Password, Keys: &l.opts.keys})
	if err != nil {
		return err
	}
	out := "<auth xmlns='" + nsSASL + "' mechanism='" + name + "'>" + encode(c.First()) + "</auth>"
	for {
		if err := l.Send([]byte(out)); err != nil {
			return err
		}
		var answer []byte
		success := false
		err := l.next(func(f *parser.Frame) error {
			data, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(string(f.Element().AppendText(nil)), "="))
			switch e := f.Element(); {
			case err != nil:
				return fmt.Errorf("SASL: %w", err)
			case e.Is(nsSASL, "success"):
				success = true
				return c.Finish(data)
			case e.Is(nsSASL, "challenge"):
				answer, err = c.Next(data)
				return err
			}
			return unexpected(f, "<success/>")
		})
		if err != nil || success {
			return err
		}
		out = "<response xmlns='" + nsSASL + "'>" + encode(answer) + "</response>"
	}
}

func encode(b []byte) string {
	if len(b) == 0 {
		return "="
	}
	return base64.StdEncoding.EncodeToString(b)
}

// bind is RFC 6120 §7 and what clients do right behind it.
func (l *login) bind(f *features) error {
	resource := ""
	if l.Account.Resource != "" {
		resource = "<resource>" + l.Account.Resource + "</resource>"
	}
	err := l.query("<iq type='set' id='bind'><bind xmlns='"+nsBind+"'>"+resource+"</bind></iq>", func(f *parser.Frame) error {
		l.JID = string(f.Element().Child(nsBind, "bind").Child(nsBind, "jid").AppendText(nil))
		if l.JID == "" {
			return unexpected(f, "a JID")
		}
		return nil
	})
	if err == nil && f.session { // COMPAT(RFC 3921 servers): the session is not marked optional
		err = l.query("<iq type='set' id='session'><session xmlns='"+nsSession+"'/></iq>", nil)
	}
	if err == nil && l.opts.StreamManagement {
		if !f.management {
			return fmt.Errorf("%w: stream management is not offered", ErrRefused)
		}
		err = l.enable()
	}
	return err
}

// roster asks for the roster.
func (l *login) roster() error {
	err := l.query("<iq type='get' id='roster'><query xmlns='"+nsRoster+"'/></iq>", nil)
	if errors.Is(err, errNoResult) {
		return nil // a server without rosters has answered, too
	}
	return err
}

// query sends an IQ and waits for its result, passing over what else the
// server sends.
func (l *login) query(xml string, take func(*parser.Frame) error) error {
	if err := l.Send([]byte(xml)); err != nil {
		return err
	}
	for {
		done := false
		err := l.next(func(f *parser.Frame) error {
			if l.manage(f) {
				return nil
			}
			switch kind, _ := f.Type(); {
			case f.Kind() != parser.Stanza || string(f.Local()) != "iq" && string(f.Namespace()) == nsStream:
				return unexpected(f, "a result")
			case string(f.Local()) == "iq" && string(kind) == "error":
				return fmt.Errorf("%w: %w", errNoResult, unexpected(f, "a result"))
			case string(f.Local()) == "iq" && string(kind) == "result":
				done = true
				if take != nil {
					return take(f)
				}
			}
			return nil
		})
		if err != nil || done {
			return err
		}
	}
}
