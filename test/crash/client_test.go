//go:build crash

package crash

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/xylem-im/xylem/internal/stanzatest"
	"github.com/xylem-im/xylem/internal/testsasl"
	"github.com/xylem-im/xylem/session/sasl"
)

const nsManage = "urn:xmpp:sm:3"

// element is what a client reads, as far as it matters here.
type element struct {
	XMLName  xml.Name
	ID       string `xml:"id,attr"`
	From     string `xml:"from,attr"`
	Type     string `xml:"type,attr"`
	H        string `xml:"h,attr"`
	Text     string `xml:",chardata"`
	StanzaID struct {
		ID string `xml:"id,attr"`
	} `xml:"urn:xmpp:sid:0 stanza-id"`
	Error struct {
		Inner string `xml:",innerxml"`
	} `xml:"error"`
}

// peer is a client with stream management that connects again whatever happens
// to its connection or its server.
type peer struct {
	s    *server
	user string
	rng  *rand.Rand
	keys sasl.KeyMemory
	tear int // about how many bytes a connection lasts; 0: for ever

	handle func(*element) // takes stanzas
	slow   time.Duration  // from an <r/> to the answer
	trace  func(string)
	acks   *acks // counts what the server has acknowledged

	conn  net.Conn
	kills int // of servers before the one at its other end
	dec   *xml.Decoder
	id    string // of the session that it goes on with; "": none
	in    uint32 // stanzas received in it

	mu      sync.Mutex // of what follows, and of writes
	queue   []outgoing // sent and not acknowledged
	acked   uint32
	bound   bool // the connection has a session
	resumed int
	anew    int // sessions that could not be resumed
	fault   error
}

type outgoing struct {
	number int
	xml    string
	resent bool
}

// errOver: the test is over.
var errOver = errors.New("the test is over")

// run serves the client until the test is over.
func (p *peer) run() error {
	for {
		err := p.session()
		if errors.Is(err, errOver) {
			return nil
		}
		p.mu.Lock()
		fault := p.fault
		p.bound = false
		p.mu.Unlock()
		if fault != nil {
			return fmt.Errorf("%s: %w", p.user, fault)
		}
	}
}

// session is one connection, until it breaks.
func (p *peer) session() error {
	addr, kills := p.s.wait()
	if addr == "" {
		return errOver
	}
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		time.Sleep(10 * time.Millisecond) // it has just ended
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	p.conn, p.kills = conn, kills
	if p.tear > 0 {
		p.conn = &torn{Conn: conn, left: 400 + p.rng.IntN(2*p.tear)}
	}
	if err := p.login(); err != nil {
		return err
	}
	for {
		e, err := p.read()
		if err != nil {
			return err
		}
		if err := p.take(e); err != nil {
			return err
		}
	}
}

// login authenticates and resumes the session, or begins another one.
func (p *peer) login() error {
	open := "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='" + p.s.domain + "' version='1.0'>"
	p.dec = xml.NewDecoder(p.conn)
	if err := p.write(open); err != nil {
		return err
	}
	next := func() (name, text string, err error) {
		e, err := p.until("challenge", "success")
		if err != nil {
			return "", "", err
		}
		return e.XMLName.Local, e.Text, nil
	}
	cfg := sasl.ClientConfig{Username: p.user, Password: "secret", Keys: &p.keys}
	if err := testsasl.Login(sasl.SCRAMSHA256, cfg, p.write, next); err != nil {
		return err
	}
	if err := p.write(open); err != nil {
		return err
	}
	if _, err := p.until("features"); err != nil {
		return err
	}
	if p.id != "" {
		if err := p.write(fmt.Sprintf("<resume xmlns='%s' previd='%s' h='%d'/>", nsManage, p.id, p.in)); err != nil {
			return err
		}
		e, err := p.until("resumed", "failed")
		if err != nil {
			return err
		}
		if e.XMLName.Local == "resumed" {
			return p.goOn(e)
		}
	}
	return p.begin()
}

// goOn sends again what the server does not have.
func (p *peer) goOn(e *element) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.resumed++
	p.trace(fmt.Sprintf("%s resumed on %d: in %d, h %s, queue %d", p.user, p.kills, p.in, e.H, len(p.queue)))
	if err := p.handled(e); err != nil {
		p.fault = err
		return err
	}
	return p.sendQueue()
}

// begin binds a resource, and sends again what was not acknowledged: it is not
// known what the server has of it.
func (p *peer) begin() error {
	if err := p.write("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>r</resource></bind></iq>" +
		"<enable xmlns='" + nsManage + "' resume='true'/>"); err != nil {
		return err
	}
	e, err := p.until("enabled")
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.id != "" {
		p.anew++
	}
	p.trace(fmt.Sprintf("%s begun anew on %d: in %d, queue %d", p.user, p.kills, p.in, len(p.queue)))
	p.id, p.in, p.acked = e.ID, 0, 0
	p.queue = append([]outgoing{{number: -1, xml: "<presence/>"}}, dropPresence(p.queue)...)
	return p.sendQueue()
}

func dropPresence(queue []outgoing) []outgoing {
	if len(queue) > 0 && queue[0].number < 0 {
		return queue[1:]
	}
	return queue
}

// sendQueue sends what is not acknowledged. p.mu is held.
func (p *peer) sendQueue() error {
	p.bound = true
	for i := range p.queue {
		p.queue[i].resent = true
		if _, err := io.WriteString(p.conn, p.queue[i].xml); err != nil {
			return err
		}
	}
	_, err := io.WriteString(p.conn, "<r xmlns='"+nsManage+"'/>")
	return err
}

// send sends a stanza now or when there is a session.
func (p *peer) send(number int, st string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = append(p.queue, outgoing{number: number, xml: st})
	if p.bound {
		_, _ = io.WriteString(p.conn, st+"<r xmlns='"+nsManage+"'/>") // what is lost is sent again
	}
}

// unacked is how many stanzas the server has not acknowledged.
func (p *peer) unacked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.queue)
}

func (p *peer) write(text string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := io.WriteString(p.conn, text)
	return err
}

// take deals with what came.
func (p *peer) take(e *element) error {
	if e.XMLName.Space != nsManage {
		if e.XMLName.Local == "error" {
			return errors.New("the stream ended with an error")
		}
		p.in++
		p.handle(e)
		return nil
	}
	switch e.XMLName.Local {
	case "r":
		return p.acknowledge(p.conn, fmt.Sprintf("<a xmlns='%s' h='%d'/>", nsManage, p.in))
	case "a":
		p.mu.Lock()
		defer p.mu.Unlock()
		if err := p.handled(e); err != nil {
			p.fault = err
			return err
		}
	}
	return nil
}

// acknowledge answers an <r/>, now or later.
func (p *peer) acknowledge(conn net.Conn, a string) error {
	answer := func() error {
		p.mu.Lock()
		defer p.mu.Unlock()
		_, err := io.WriteString(conn, a)
		return err
	}
	if p.slow == 0 {
		return answer()
	}
	time.AfterFunc(p.slow, func() { _ = answer() }) // the connection may have gone
	return nil
}

// handled drops what the server has. p.mu is held.
func (p *peer) handled(e *element) error {
	h, err := strconv.ParseUint(e.H, 10, 32)
	n := uint32(h) - p.acked
	if err != nil || int(n) > len(p.queue) {
		return fmt.Errorf("the server acknowledges %s of %d stanzas", e.H, p.acked+uint32(len(p.queue)))
	}
	for _, o := range p.queue[:n] {
		if p.trace != nil {
			p.trace(fmt.Sprintf("%s %s acked %.24s", p.user, e.XMLName.Local, o.xml))
		}
	}
	p.queue = p.queue[n:]
	p.acked = uint32(h)
	p.acks.add(int(n))
	return nil
}

func (p *peer) until(names ...string) (*element, error) {
	for {
		e, err := p.read()
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if e.XMLName.Local == name {
				return e, nil
			}
		}
		if e.XMLName.Local == "failure" || e.XMLName.Local == "error" {
			return nil, fmt.Errorf("got <%s/>", e.XMLName.Local)
		}
	}
}

func (p *peer) read() (*element, error) {
	e := &element{}
	return e, stanzatest.Next(p.dec, e)
}

// torn is a connection that breaks after some bytes.
type torn struct {
	net.Conn
	mu   sync.Mutex
	left int
}

func (c *torn) spend(n int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left -= n; c.left <= 0 {
		_ = c.Conn.Close()
		return io.ErrClosedPipe
	}
	return nil
}

func (c *torn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == nil && c.spend(n) != nil {
		return n, io.ErrClosedPipe // what was read counts as lost, as the client never saw it
	}
	return n, err
}

func (c *torn) Write(b []byte) (int, error) {
	if err := c.spend(len(b)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}
