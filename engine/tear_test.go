package engine_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xylem-im/xylem/engine"
)

// Connections that are cut at random bytes lose, double and reorder nothing:
// neither what a client sends nor what it gets.
func TestTornConnections(t *testing.T) {
	const messages, tears, enough = 4000, 10, 4 * time.Second
	for _, transport := range []string{"tcp", "tls"} {
		t.Run(transport, func(t *testing.T) {
			s := serve(t, func(cfg *engine.Config) { cfg.Limits.UnackedStanzas = 2 * messages })
			rng := rand.New(rand.NewPCG(1, 198))
			bob := &torn{server: s, t: t, transport: transport, user: "bob", rng: rand.New(rand.NewPCG(2, 198))}
			bob.connect()
			alice := &torn{server: s, t: t, transport: transport, user: "alice", rng: rand.New(rand.NewPCG(3, 198))}
			alice.connect()
			var sent atomic.Int64
			sent.Store(messages)
			done := make(chan struct{})
			go func() {
				defer close(done)
				end := time.Now().Add(enough)
				for n, last := 0, false; !last; {
					size := min(1+rng.IntN(20), messages-n)
					if last = n+size == messages || alice.tears >= tears && time.Now().After(end); last {
						sent.Store(int64(n + size)) // before bob can have them all
					}
					for range size {
						alice.queue = append(alice.queue, fmt.Sprintf("<message to='%s' id='%d'><body>%d</body></message>", bob.jid, n, n))
						alice.write(alice.queue[len(alice.queue)-1])
						n++
					}
					alice.flush()
				}
			}()
			got := 0
			for {
				select {
				case <-done:
					if got == int(sent.Load()) {
						bob.wantNothing()
						t.Logf("%d messages, %d times torn", got, alice.tears+bob.tears)
						if alice.tears+bob.tears < tears {
							t.Error("the connections were hardly torn")
						}
						return
					}
				default:
				}
				n := bob.next()
				if n == nil || n.XMLName.Local != "message" {
					continue
				}
				if n.attr("id") != strconv.Itoa(got) {
					t.Fatalf("got %s, want message %d", n, got)
				}
				got++
				if got == int(sent.Load()) {
					<-done
				}
			}
		})
	}
}

// torn is a client with stream management whose connections break.
type torn struct {
	*client
	server          *server
	t               *testing.T
	transport, user string
	rng             *rand.Rand
	id, jid         string
	in, acked       uint32   // stanzas received; and sent and acknowledged
	queue           []string // sent and not acknowledged
	tears           int
}

// tearing is a connection that breaks after some bytes.
type tearing struct {
	net.Conn
	left atomic.Int64
}

func (c *tearing) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p[:min(len(p), c.room())])
	c.spend(n)
	return n, err
}

func (c *tearing) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p[:min(len(p), c.room())])
	c.spend(n)
	if err == nil && n < len(p) {
		err = io.ErrClosedPipe
	}
	return n, err
}

func (c *tearing) room() int { return int(max(c.left.Load(), 1)) }

func (c *tearing) spend(n int) {
	if c.left.Add(-int64(n)) <= 0 {
		_ = c.Conn.Close()
	}
}

// connect logs in and goes on with the session.
func (c *torn) connect() {
	for {
		c.client = c.server.connect(c.t, c.transport)
		c.client.open()
		c.client.authenticate(c.user)
		if c.id == "" {
			c.client.bind("r")
			c.jid = c.client.jid
			c.client.send("<presence/>")
			c.id = c.client.enable()
		}
		raw := c.client.conn
		cut := &tearing{Conn: raw}
		cut.left.Store(int64(100 + c.rng.IntN(4000)))
		c.client.conn = cut
		c.client.r.Reset(cut) // nothing was read ahead: the server answers first
		if c.tears++; c.tears == 1 {
			return
		}
		c.write(fmt.Sprintf("<resume xmlns='%s' previd='%s' h='%d'/>", nsManage, c.id, c.in))
		n, err := c.client.read()
		if err != nil {
			continue
		}
		if n.XMLName.Local != "resumed" {
			c.t.Fatalf("%s: %s", c.user, n)
		}
		c.handled(n)
		for _, st := range c.queue {
			c.write(st)
		}
		return
	}
}

// write sends what it can; what is lost is sent again.
func (c *torn) write(st string) { _, _ = io.WriteString(c.client.conn, st) }

// handled drops what the server has.
func (c *torn) handled(n *node) {
	h, err := strconv.ParseUint(n.attr("h"), 10, 32)
	if err != nil || uint32(h)-c.acked > uint32(len(c.queue)) {
		c.t.Fatalf("%s: %s, of %d", c.user, n, c.acked+uint32(len(c.queue)))
	}
	c.queue = c.queue[uint32(h)-c.acked:]
	c.acked = uint32(h)
}

// next is the next stanza; nil after a tear, or when it was none.
func (c *torn) next() *node {
	n, err := c.client.read()
	switch {
	case err != nil:
		c.connect()
		return nil
	case n.XMLName.Local == "r":
		c.write(fmt.Sprintf("<a xmlns='%s' h='%d'/>", nsManage, c.in))
		return nil
	case n.XMLName.Local == "a":
		c.handled(n)
		return nil
	}
	c.in++
	return n
}

// flush waits until the server has all that was sent.
func (c *torn) flush() {
	for len(c.queue) > 0 {
		c.write("<r xmlns='" + nsManage + "'/>")
		c.next()
	}
}

// wantNothing makes sure that nothing more comes: what it sends to itself is the
// next stanza.
func (c *torn) wantNothing() {
	ask := fmt.Sprintf("<iq type='get' id='end' to='%s'><query xmlns='urn:x'/></iq>", c.jid)
	c.queue = append(c.queue, ask)
	c.write(ask)
	for {
		n := c.next()
		if n == nil {
			continue
		}
		if n.attr("id") != "end" {
			c.t.Fatalf("got %s, want nothing more", n)
		}
		return
	}
}
