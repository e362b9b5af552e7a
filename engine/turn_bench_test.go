package engine_test

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/xep/standard"
)

// BenchmarkTurn is what a loop of the stock server takes for a message of 350 bytes
// between two of 200 sessions that lies in memory, several of each sender at a time: all
// that is done for it but system calls. As in bench/load each message is answered by one,
// in one write with the acknowledgements that the server asks for. The fastest turns tell
// most on a machine that does other things, too.
//
//	plain      no stream management
//	managed    stream management on both sides, DurableAck off
//	durable    the same with DurableAck and a journal
//	carbons-1  plain, carbons on; carbons-2: and a second session of each account gets copies
//	all        durable, carbons on
func BenchmarkTurn(b *testing.B) {
	for _, c := range []turnCase{
		{name: "plain"},
		{name: "managed", managed: true},
		{name: "durable", managed: true, durable: true},
		{name: "carbons-1", carbons: true},
		{name: "carbons-2", carbons: true, second: true},
		{name: "all", managed: true, durable: true, carbons: true},
	} {
		b.Run(c.name, func(b *testing.B) { c.run(b) })
	}
}

// turnCase is what the sessions have on.
type turnCase struct {
	name                              string
	managed, durable, carbons, second bool
}

// turnPairs is how many pairs write to each other; those of a turn send 16 messages each
// and so fill it, see turnBytes.
const turnPairs, pairsOfTurn = 100, 5

func (c turnCase) run(b *testing.B) {
	s := serve(b, func(cfg *engine.Config) {
		cfg.Loops, cfg.Extensions, cfg.DurableAck = 1, standard.Register, c.durable
		if c.durable {
			cfg.Journal = make([]byte, 4<<20)
		}
		withStore(cfg)
	})
	clients := make([]*turnClient, 2*turnPairs)
	for i := range clients {
		s.create(b, fmt.Sprintf("bench%d@localhost", i))
		clients[i] = s.attachTurning(b, i, "first", c)
		if c.second {
			s.attachTurning(b, i, "second", turnCase{carbons: true})
		}
	}
	for _, inFlight := range []int{1, 16} {
		b.Run(fmt.Sprintf("in-flight-%d", inFlight), func(b *testing.B) {
			b.ReportAllocs()
			var turns []time.Duration
			s.OnLoop(0, func(turn func([]engine.Input)) {
				for _, cl := range clients {
					cl.begin(inFlight)
				}
				inputs := make([]engine.Input, 2*pairsOfTurn)
				for at := 0; b.Loop(); at = (at + len(inputs)) % len(clients) {
					for i := range inputs {
						inputs[i] = clients[at+i].next()
					}
					began := time.Now()
					turn(inputs)
					turns = append(turns, time.Since(began))
				}
				for _, cl := range clients { // nothing is left for the next window
					turn([]engine.Input{cl.end()})
				}
			})
			slices.Sort(turns)
			perMessage := func(d time.Duration) float64 {
				return float64(d.Nanoseconds()) / float64(2*pairsOfTurn*inFlight)
			}
			b.ReportMetric(perMessage(turns[len(turns)/20]), "ns/msg-fast")
			b.ReportMetric(perMessage(turns[len(turns)/2]), "ns/msg")
		})
	}
}

// turnClient answers what it is sent, when the turn is over.
type turnClient struct {
	*sinkClient
	message  []byte // that it writes
	received []byte // what has not been answered yet
	answer   []byte
	handled  int // stanzas since stream management is on
}

// attachTurning logs a client in with what c says switched on.
func (s *server) attachTurning(b *testing.B, i int, resource string, c turnCase) *turnClient {
	b.Helper()
	message := fmt.Sprintf("<message to='bench%d@localhost' type='chat' id='3f1c9a52-77d0-4c1e-9f25-%d'><body>", i^1, i+1e11)
	message += strings.Repeat("Some text. ", 40)[:350-len(message)-len("</body></message>")] + "</body></message>"
	priority := 0
	if resource == "second" { // of negative priority: what comes for the first one is copied to it
		priority = -1
	}
	sink := attachTo(b, s.Attach, nil, func(login *client) {
		login.open()
		login.authenticate(fmt.Sprintf("bench%d", i))
		login.bind(resource)
		if c.carbons {
			login.send("<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>")
			login.expect("iq")
		}
		login.send("<presence><priority>%d</priority></presence>", priority)
		login.expect("presence")
		if c.managed {
			login.enable()
		}
	})
	return &turnClient{sinkClient: sink, message: []byte(message)}
}

// begin has the client write the first messages of a window. Loop only.
func (c *turnClient) begin(window int) {
	c.keep = func(p []byte) { c.received = append(c.received, p...) }
	c.received = append(c.received[:0], bytes.Repeat(endOfMessage, window)...)
	c.handled -= window // the next answer counts these
}

// next answers each message by one, and each request for an acknowledgement.
func (c *turnClient) next() engine.Input { return c.reply(c.message) }

// end answers requests only.
func (c *turnClient) end() engine.Input { return c.reply(nil) }

func (c *turnClient) reply(message []byte) engine.Input {
	c.answer = c.answer[:0]
	for rest := c.received; len(rest) > 0; {
		part := rest
		if i := bytes.Index(rest, askForAck); i >= 0 {
			part = rest[:i]
		}
		for range bytes.Count(part, endOfMessage) {
			c.handled++
			c.answer = append(c.answer, message...)
		}
		if rest = rest[len(part):]; len(rest) > 0 {
			c.answer = append(strconv.AppendInt(append(c.answer, "<a xmlns='urn:xmpp:sm:3' h='"...), int64(c.handled), 10), "'/>"...)
			rest = rest[len(askForAck):]
		}
	}
	c.received = c.received[:0]
	return engine.Input{From: c.Wire, Bytes: c.answer}
}
