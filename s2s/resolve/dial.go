package resolve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/xylem-im/xylem/s2s"
)

// attempt is the outcome of one connection attempt.
type attempt struct {
	to   netip.AddrPort
	conn net.Conn
	err  error
}

// Dial opens a TCP connection to one of targets, that with the index used. They
// are tried in their order, each Config.TargetDelay after the one before or as
// soon as that failed, while the earlier ones go on: a server that is down does
// not keep one waiting that is up, and one that is only slow keeps its place. The
// first connection counts. err is why the last target did not do; step is told why
// the others did not, and what else happens, on the caller's goroutine.
func (r *Resolver) Dial(ctx context.Context, targets []s2s.Target, step func(text string)) (conn net.Conn, used int, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	race := &targetRace{r: r, ctx: ctx, said: make(chan string), done: make(chan targetAttempt, len(targets))}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ended := 0; ended < len(targets); {
		select {
		case text := <-race.said:
			step(text)
		case a := <-race.done:
			ended++
			switch {
			case a.err == nil:
				cancel()
				closeLate(race.started-ended, race.done, func(a targetAttempt) net.Conn { return a.conn })
				return a.conn, a.index, nil
			case ended < len(targets):
				step(a.err.Error())
			}
			if err = a.err; ended == race.started && ended < len(targets) {
				timer.Reset(0)
			}
		case <-timer.C:
			if race.started < len(targets) {
				race.start(targets[race.started])
				timer.Reset(r.cfg.TargetDelay)
			}
		}
	}
	return nil, 0, err
}

// targetAttempt is what became of one target.
type targetAttempt struct {
	index int
	conn  net.Conn
	err   error
}

// targetRace is a number of targets that are being tried.
type targetRace struct {
	r       *Resolver
	ctx     context.Context
	started int
	said    chan string
	done    chan targetAttempt // has room for all
}

func (x *targetRace) start(t s2s.Target) {
	index := x.started
	x.started++
	go func() {
		conn, err := x.r.dialTarget(x.ctx, t, func(text string) {
			select {
			case x.said <- text:
			case <-x.ctx.Done():
			}
		})
		x.done <- targetAttempt{index, conn, err}
	}()
}

// closeLate closes what comes of n attempts that are still under way.
func closeLate[A any](n int, done <-chan A, of func(A) net.Conn) {
	if n == 0 {
		return
	}
	go func() {
		for range n {
			if conn := of(<-done); conn != nil {
				_ = conn.Close() // nothing was written to it
			}
		}
	}()
}

// dialTarget opens a TCP connection to a target. Its addresses are tried one
// after the other, each a moment after the one before or as soon as that failed,
// and the first connection counts (RFC 8305 §5). A target without addresses has
// them looked up. Config.Connect bounds the time.
func (r *Resolver) dialTarget(ctx context.Context, target s2s.Target, step func(text string)) (net.Conn, error) {
	addrs := target.Addrs
	if len(addrs) == 0 {
		found := r.permitted(ctx, target.Host)
		step("addresses of " + target.Host + ": " + found.text)
		if len(found.addrs) == 0 {
			if found.err != nil {
				return nil, found.err
			}
			return nil, fmt.Errorf("%s has no address in DNS; its operator must publish an A or AAAA record", target.Host)
		}
		addrs = found.addrs
	}
	how := ""
	if target.Direct {
		how = ", with TLS at once"
	}
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Connect)
	defer cancel()
	race := &race{r: r, ctx: ctx, done: make(chan attempt, len(addrs))}
	var failed []attempt
	for len(failed) < len(addrs) {
		var next <-chan time.Time
		if race.started < len(addrs) {
			to := netip.AddrPortFrom(addrs[race.started], target.Port)
			step(fmt.Sprintf("connecting to %s port %d at %s%s", target.Host, target.Port, to, how))
			race.start(to)
			timer := time.NewTimer(r.cfg.Delay)
			defer timer.Stop()
			next = timer.C
		}
		select {
		case a := <-race.done:
			if a.err == nil {
				step("connected to " + a.to.String())
				closeLate(race.started-len(failed)-1, race.done, func(a attempt) net.Conn { return a.conn })
				return a.conn, nil
			}
			failed = append(failed, a)
			step(reason(ctx, a))
		case <-next:
		}
	}
	return nil, allFailed(ctx, target, failed)
}

// race is a number of attempts under way.
type race struct {
	r       *Resolver
	ctx     context.Context
	started int
	done    chan attempt // has room for all
}

func (x *race) start(to netip.AddrPort) {
	x.started++
	go func() {
		conn, err := x.r.cfg.TCP(x.ctx, "tcp", to.String())
		x.done <- attempt{to, conn, err}
	}()
}

// reason says why an attempt failed and what to do.
func reason(ctx context.Context, a attempt) string {
	at := a.to.String()
	var ne net.Error
	switch err := a.err; {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens at " + at + " (connection refused): is the server up, and does it listen on that port?"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL):
		return "there is no way from here to " + at + " (" + bare(err) + "): does this machine have " + family(a.to.Addr()) + "?"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return "this server has too many open files to connect to " + at + "; raise the limit"
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return "this machine does not allow connections to " + at + " (" + bare(err) + "): see its firewall"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &ne) && ne.Timeout(), ctx.Err() != nil:
		return "no answer from " + at + " in time: a firewall, here or there, may drop the packets, or the machine is down"
	case errors.Is(err, syscall.ECONNRESET):
		return at + " has closed the connection at once: a firewall, or a server that refuses this one"
	default:
		return "connecting to " + at + " failed: " + bare(err)
	}
}

// bare is the system's own word for an error.
func bare(err error) string {
	var e syscall.Errno
	if errors.As(err, &e) {
		return e.Error()
	}
	return err.Error()
}

// allFailed says why no address took a connection.
func allFailed(ctx context.Context, target s2s.Target, failed []attempt) error {
	if len(failed) == 1 {
		return errors.New(reason(ctx, failed[0]))
	}
	const most = 3
	texts := make([]string, 0, most)
	for _, a := range failed[:min(len(failed), most)] {
		texts = append(texts, reason(ctx, a))
	}
	return fmt.Errorf("none of the %d addresses of %s took a connection on port %d: %s", len(failed), target.Host, target.Port, strings.Join(texts, "; "))
}
