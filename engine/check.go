package engine

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/s2s"
	"github.com/xylem-im/xylem/s2s/certs"
)

// CheckRemote makes a test connection to another domain in the name of a local
// one, beside the streams that there may be: the servers are looked for, and
// each is tried until one of them has let us prove the local domain; then that
// stream is closed, and nil returned. step is told all that was done and found
// out, a line each, on the caller's goroutine. Errors: ErrNotFederating,
// ErrNotRunning; else why the last server did not do, a sentence for an operator,
// whose remedy s2s.Remedy may know.
//
// What is proved is our side's right to send; theirs would be proved on a
// stream of their own.
func (e *Engine) CheckRemote(ctx context.Context, local, remote string, step func(text string)) error {
	if !e.federates() {
		return ErrNotFederating
	}
	if !e.serving() {
		return ErrNotRunning
	}
	pair, err := e.checkPair(local, remote)
	if err != nil {
		return err
	}
	f := &e.cfg.Federation
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.dialing, cancel)()
	found, cancelFind := context.WithTimeout(ctx, f.DialTime)
	defer cancelFind()
	targets, err := f.Connector.Find(found, pair.Remote, step)
	if err == nil && len(targets) == 0 {
		err = fmt.Errorf("%w: no address for %s", s2s.ErrNoService, pair.Remote)
	}
	if err != nil {
		return err
	}
	for i, target := range targets {
		if err != nil { // of the one before
			step(err.Error())
			if remedy := s2s.Remedy(err); remedy != "" {
				step(remedy)
			}
			step(fmt.Sprintf("the next of %d servers: %s port %d", len(targets), target.Host, targets[i].Port))
		}
		if err = e.checkTarget(ctx, pair, target, step); err == nil {
			return nil
		}
	}
	return err
}

// checkPair prepares the domains and refuses those that no stream is made for.
func (e *Engine) checkPair(local, remote string) (p s2s.Pair, err error) {
	for _, d := range []struct {
		text     string
		prepared *string
	}{{local, &p.Local}, {remote, &p.Remote}} {
		j, err := jid.New("", d.text, "")
		if err != nil {
			return p, fmt.Errorf("engine: %q: %w", d.text, err)
		}
		*d.prepared = j.Domain()
	}
	switch {
	case !e.sessions.Serves(p.Local):
		return p, fmt.Errorf("%s is not served here", p.Local)
	case e.sessions.Serves(p.Remote):
		return p, fmt.Errorf("%s is served here, so there is no other server to connect to", p.Remote)
	case e.cfg.Federation.Policy(p.Remote).Denied:
		return p, fmt.Errorf("the policy of this server denies %s; see s2s.deny and s2s.allow", p.Remote)
	}
	return p, nil
}

// check is one test stream, driven by the goroutine that wants to know.
type check struct {
	engine *Engine
	pair   s2s.Pair
	target s2s.Target
	step   func(string)
	conn   net.Conn
	stream s2s.Stream
	out    s2s.Out
	in     []byte // read and not consumed
	done   bool   // the pair is proved
	err    error  // why it was refused
}

// checkTarget connects to one server and sees whether it lets us in.
func (e *Engine) checkTarget(ctx context.Context, pair s2s.Pair, target s2s.Target, step func(string)) error {
	f := &e.cfg.Federation
	dialled, cancel := context.WithTimeout(ctx, f.DialTime)
	defer cancel()
	conn, _, err := f.Connector.Dial(dialled, []s2s.Target{target}, step)
	if err != nil {
		return err
	}
	c := &check{engine: e, pair: pair, target: target, step: step, conn: conn, out: s2s.Out{Scanner: parser.NewScanner()}}
	defer func() { _ = c.conn.Close() }() // the peer has been told, or has gone
	ctx, cancelTalk := context.WithTimeout(ctx, e.limits.PreAuthTime)
	defer cancelTalk()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	err = c.talk(ctx)
	if ctx.Err() != nil {
		return fmt.Errorf("%s says nothing more, and nothing is proved yet; what answers there may be no XMPP server, or the port for clients", conn.RemoteAddr())
	}
	return err
}

// talk goes through the stream's beginning.
func (c *check) talk(ctx context.Context) error {
	cfg := c.engine.peers
	cfg.OneWay, cfg.Manage, cfg.IdleTime, cfg.SilentTime = true, false, 0, 0 // nothing but the proof
	defer func() { c.stream.Release(&c.out) }()
	c.stream.Connect(&cfg, c.pair, c.target.Direct, false, nowNano(), c.begin())
	if err := c.perform(ctx); err != nil {
		return err
	}
	if c.target.Direct {
		if err := c.secure(ctx); err != nil {
			return err
		}
	}
	buf := make([]byte, 16<<10)
	for !c.done && c.err == nil {
		n, err := c.conn.Read(buf)
		if err != nil {
			return c.broken(err)
		}
		c.in = append(c.in, buf[:n]...)
		if err := c.feed(ctx); err != nil {
			return err
		}
	}
	c.stream.End(nil, c.begin())
	_, _ = c.conn.Write(c.out.Bytes) // a farewell
	return c.err
}

func nowNano() int64 { return time.Now().UnixNano() }

func (c *check) begin() *s2s.Out {
	c.out.Reset(nil)
	return &c.out
}

// feed gives the stream what was read.
func (c *check) feed(ctx context.Context) error {
	for len(c.in) > 0 && !c.done && c.err == nil {
		n := c.stream.Feed(nowNano(), c.in, c.begin())
		c.in = c.in[n:]
		starts := c.out.StartTLS
		if err := c.perform(ctx); err != nil {
			return err
		}
		if starts {
			c.in = nil // of what came in the clear nothing counts, RFC 6120 §5.3.4
			return c.secure(ctx)
		}
		if n == 0 {
			return nil
		}
	}
	return nil
}

// perform carries out what the stream has listed, apart from StartTLS.
func (c *check) perform(ctx context.Context) error {
	if len(c.out.Bytes) > 0 {
		if _, err := c.conn.Write(c.out.Bytes); err != nil {
			return c.broken(err)
		}
	}
	for i := range c.out.Events {
		switch ev := &c.out.Events[i]; ev.Kind {
		case s2s.EventStep:
			c.step(ev.Text)
		case s2s.EventReady:
			c.done = true
			c.step(fmt.Sprintf("%s may speak to %s, proved by %s", ev.Pair.Local, ev.Pair.Remote, ev.Method))
		case s2s.EventRefused:
			c.err = ev.Err
		}
	}
	if c.out.Close && !c.done && c.err == nil {
		if c.err = c.out.Reason; c.err == nil {
			c.err = fmt.Errorf("%s closed the stream before anything was proved", c.pair.Remote)
		}
	}
	return ctx.Err()
}

// secure makes the TLS handshake.
func (c *check) secure(ctx context.Context) error {
	conn := tls.Client(c.conn, c.engine.peerClientTLS(c.pair.Local, c.pair.Remote, c.target.Direct))
	if err := conn.HandshakeContext(ctx); err != nil {
		return handshakeError(err)
	}
	c.conn = conn
	state := conn.ConnectionState()
	sec := &s2s.Security{Version: tls.VersionName(state.Version), Cipher: tls.CipherSuiteName(state.CipherSuite)}
	if chain := state.PeerCertificates; len(chain) > 0 {
		c.step("certificate: " + certs.Describe(chain[0]))
		if judge := c.engine.cfg.Federation.Judge; judge != nil {
			sec.Proof = judge(chain, true)
		}
	}
	c.stream.SetSecured(nowNano(), sec, c.begin())
	return c.perform(ctx)
}

// broken is why the connection ended without a word in XMPP. In TLS 1.3 an alert
// about our certificate comes after the handshake.
func (c *check) broken(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		if op.Op == remoteAlert {
			return handshakeError(err)
		}
		err = op.Err
	}
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%s closed the connection without a reason; its log may say why", c.conn.RemoteAddr())
	}
	return fmt.Errorf("the connection to %s broke: %w", c.conn.RemoteAddr(), err)
}
