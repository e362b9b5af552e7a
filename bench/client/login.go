package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

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
	ctx, cancel := context.WithTimeoutCause(ctx, opts.timeout(), fmt.Errorf("the login did not end in %v", opts.timeout()))
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
			err = context.Cause(ctx) // not that the connection was closed, which came of it
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
