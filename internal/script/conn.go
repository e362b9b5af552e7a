package script

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// conn is a client's connection: it reads all the time, so that no server ever
// waits for a play, and keeps what came until a step asks for it.
type conn struct {
	timeout time.Duration
	note    func(arrow, text string) // takes what is sent and received, for the trace
	wire    net.Conn                 // read loop and steps; replaced only while the read loop waits
	plain   net.Conn                 // below TLS
	done    chan struct{}            // closed when the read loop has ended

	mu      sync.Mutex
	queue   []event
	arrived chan struct{}    // has a value when queue grew
	resume  chan *bufStarted // what the read loop waits for after <proceed/>
}

// bufStarted is a fresh byte source for the read loop.
type bufStarted struct{ src *bufio.Reader }

func newConn(wire net.Conn, timeout time.Duration, note func(arrow, text string)) *conn {
	c := &conn{
		timeout: timeout, note: note, wire: wire, plain: wire,
		done: make(chan struct{}), arrived: make(chan struct{}, 1), resume: make(chan *bufStarted, 1),
	}
	go c.readLoop(&bufStarted{bufio.NewReader(wire)})
	return c
}

// readLoop queues what comes. It stops behind <proceed/>, where the next byte
// belongs to TLS, until startTLS hands it the encrypted connection.
func (c *conn) readLoop(from *bufStarted) {
	defer close(c.done)
	for from != nil {
		r := newReader(from.src, nil)
		for {
			ev := r.next()
			proceed := ev.kind == stanza && ev.elem.is(nsTLS, "proceed")
			if ev.kind == ended {
				from = nil
			} else if proceed && from.src.Buffered() > 0 {
				ev, from = event{kind: ended, err: fmt.Errorf("bytes behind <proceed/> before TLS")}, nil
			}
			c.push(ev)
			if from == nil {
				return
			}
			if proceed {
				from = <-c.resume
				break
			}
		}
	}
}

func (c *conn) push(ev event) {
	c.note("<-", strings.Join(render(ev), " "))
	c.mu.Lock()
	c.queue = append(c.queue, ev)
	c.mu.Unlock()
	select {
	case c.arrived <- struct{}{}:
	default:
	}
}

// next returns what came first, waiting for it up to the timeout. The end of
// the connection is returned again each time.
func (c *conn) next() (event, error) {
	deadline := time.NewTimer(c.timeout)
	defer deadline.Stop()
	for {
		c.mu.Lock()
		if len(c.queue) > 0 {
			ev := c.queue[0]
			if ev.kind != ended {
				c.queue = c.queue[1:]
			}
			c.mu.Unlock()
			return ev, nil
		}
		c.mu.Unlock()
		select {
		case <-c.arrived:
		case <-deadline.C:
			return event{}, fmt.Errorf("nothing came within %v", c.timeout)
		}
	}
}

// wait blocks until a queued event pleases, or the connection ended. The
// events stay queued, but for those that pleases takes.
func (c *conn) wait(pleases func(event) (stop, take bool)) error {
	deadline := time.NewTimer(c.timeout)
	defer deadline.Stop()
	for !c.sift(pleases) {
		select {
		case <-c.arrived:
		case <-deadline.C:
			return fmt.Errorf("no answer within %v", c.timeout)
		}
	}
	return nil
}

// sift shows pleases what is queued, until it says stop or the connection ended.
func (c *conn) sift(pleases func(event) (stop, take bool)) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := 0; i < len(c.queue); {
		ev := c.queue[i]
		stop, take := pleases(ev)
		if take {
			c.queue = slices.Delete(c.queue, i, i+1)
		} else {
			i++
		}
		if stop || ev.kind == ended {
			return true
		}
	}
	return false
}

// waiting returns how many events are queued, the end not counted.
func (c *conn) waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.queue)
	if n > 0 && c.queue[n-1].kind == ended {
		n--
	}
	return n
}

// hasEnded reports whether the end of the connection was read.
func (c *conn) hasEnded() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// send writes text as it is.
func (c *conn) send(text string) error {
	c.note("->", text)
	if err := c.wire.SetWriteDeadline(time.Now().Add(c.timeout)); err != nil {
		return fmt.Errorf("sending: %w", err)
	}
	if _, err := io.WriteString(c.wire, text); err != nil {
		return fmt.Errorf("sending: %w", err)
	}
	return nil
}

// startTLS encrypts the connection. The read loop must be behind <proceed/>.
func (c *conn) startTLS(cfg *tls.Config) error {
	secure := tls.Client(c.plain, cfg)
	if err := secure.SetDeadline(time.Now().Add(c.timeout)); err != nil {
		return fmt.Errorf("tls: %w", err)
	}
	if err := secure.Handshake(); err != nil {
		return fmt.Errorf("tls: %w", err)
	}
	if err := secure.SetDeadline(time.Time{}); err != nil {
		return fmt.Errorf("tls: %w", err)
	}
	c.wire = secure
	c.resume <- &bufStarted{bufio.NewReader(secure)}
	return nil
}

// close cuts the connection and waits for the read loop.
func (c *conn) close() {
	_ = c.plain.Close() // nothing is lost: the play is through with it
	select {
	case c.resume <- nil:
	default:
	}
	<-c.done
}
