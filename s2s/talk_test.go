package s2s_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/s2s"
	"github.com/xylem-im/xylem/stanza"
)

// proof is a certificate for some domains.
type proof []string

func (p proof) Proves(domain string) error {
	if slices.Contains(p, domain) {
		return nil
	}
	return errors.New("the certificate is for " + strings.Join(p, ", "))
}

// side is one end of a stream between two servers, and what came of it.
type side struct {
	s2s.Stream
	t     *testing.T
	cfg   s2s.Config
	proof s2s.Proof // what the other side's certificate proves

	out      s2s.Out
	in       []byte // sent by the other side and not consumed
	wire     []byte // all that this side has sent
	events   []string
	stanzas  []string
	starting bool // TLS
	ended    bool
	settled  []uint32 // Receipt.Seq
	reason   error
	claims   []s2s.Verify
	fed      string // what it was given of a longer input
}

func newSide(t *testing.T, domains []string, change ...func(*s2s.Config)) *side {
	s := &side{t: t, cfg: s2s.Config{
		Serves: func(d string) bool { return slices.Contains(domains, d) },
		Policy: func(string) s2s.Policy { return s2s.Policy{} },
		Secret: []byte("secret of " + domains[0] + " and others"),
		Random: rand.NewChaCha8([32]byte{1}),
		Manage: true, Pairs: 3, UnackedBytes: 1000, UnackedStanzas: 10,
		NegotiateTime: 60 * second, IdleTime: 600 * second, SilentTime: 100 * second, AnswerTime: 30 * second,
	}}
	for _, f := range change {
		f(&s.cfg)
	}
	s.out.Scanner = parser.NewScanner()
	return s
}

// begin prepares out for a call; took notes what the call has listed.
func (s *side) begin() *s2s.Out {
	s.out.Reset(nil)
	return &s.out
}

func (s *side) took(to *side, st []byte) {
	o := &s.out
	sent := slices.Clone(o.Bytes)
	if o.Pass {
		sent = append(sent, st...)
	}
	if o.Ask {
		sent = append(sent, s2s.AskRequest...)
	}
	for _, rc := range o.Settled {
		s.settled = append(s.settled, rc.Seq)
	}
	s.wire = append(s.wire, sent...)
	if to != nil {
		to.in = append(to.in, sent...)
	}
	if o.HasStanza {
		line := string(stanza.AppendForward(nil, &o.Stanza, &stanza.Forward{From: o.From.String()}))
		if o.Faulty {
			line += " !" + string(o.Fault.Condition)
		}
		s.stanzas = append(s.stanzas, fmt.Sprintf("%s>%s %s", o.From.Domain(), o.To.Domain(), line))
	}
	for _, e := range o.Events {
		s.note(e)
	}
	s.starting = s.starting || o.StartTLS
	s.ended = s.ended || o.Ended
	if o.Close {
		s.reason = o.Reason
	}
}

func (s *side) note(e s2s.Event) {
	pair := e.Pair.Local + " " + e.Pair.Remote
	switch e.Kind {
	case s2s.EventReady:
		s.events = append(s.events, "ready "+pair+" by "+e.Method.String())
	case s2s.EventAuthorized:
		s.events = append(s.events, "authorized "+pair+" by "+e.Method.String())
	case s2s.EventRefused:
		s.events = append(s.events, "refused "+pair+": "+e.Err.Error())
	case s2s.EventVerify:
		s.events = append(s.events, "verify "+pair)
		s.claims = append(s.claims, e.Verify)
	case s2s.EventVerified:
		s.events = append(s.events, fmt.Sprintf("verified %s %s: %d", pair, e.Verify.ID, e.Result))
	}
}

// want compares the events since the last call.
func (s *side) want(events ...string) {
	s.t.Helper()
	if g, w := strings.Join(s.events, "\n"), strings.Join(events, "\n"); g != w {
		s.t.Fatalf("events:\n%s\nwant:\n%s\nsent: %s", g, w, s.wire)
	}
	s.events = nil
}

// talk is a stream from a to b.
type talk struct {
	a, b  *side
	now   int64
	chunk int // bytes that arrive at a time; 0: all
}

// newTalk makes the two servers, whose certificates prove what is given.
func newTalk(t *testing.T, aProves, bProves []string, change ...func(*s2s.Config)) *talk {
	k := &talk{a: newSide(t, []string{"a.example", "aa.example"}, change...), b: newSide(t, []string{"b.example", "bb.example"}, change...), now: 1000 * second}
	k.a.proof, k.b.proof = proof(bProves), proof(aProves)
	return k
}

// open connects and exchanges all that is to be said.
func (k *talk) open(questions bool) {
	k.b.Accept(&k.b.cfg, false, k.now)
	k.a.Connect(&k.a.cfg, s2s.Pair{Local: "a.example", Remote: "b.example"}, false, questions, k.now, k.a.begin())
	k.a.took(k.b, nil)
	k.run()
}

// run exchanges bytes until neither side has any left to read, with TLS begun
// when both sides are ready for it.
func (k *talk) run() {
	for {
		switch {
		case k.feed(k.b, k.a) || k.feed(k.a, k.b):
		case k.a.starting && k.b.starting:
			for _, s := range []*side{k.b, k.a} {
				s.starting = false
				s.SetSecured(k.now, &s2s.Security{Version: "TLS 1.3", Proof: s.proof}, s.begin())
				s.took(k.other(s), nil)
			}
		default:
			return
		}
	}
}

func (k *talk) other(s *side) *side {
	if s == k.a {
		return k.b
	}
	return k.a
}

// feed gives s one piece of its input; false when nothing is left that it takes.
func (k *talk) feed(s, to *side) bool {
	if len(s.in) == 0 || s.starting {
		return false
	}
	size := len(s.in)
	if k.chunk > 0 {
		size = min(size, k.chunk)
	}
	for {
		in := slices.Clone(s.in[:size])
		n := s.Feed(k.now, in, s.begin())
		s.took(to, nil)
		s.in = s.in[n:]
		switch {
		case s.starting:
			s.in = nil
			return true
		case n > 0:
			return true
		case size == len(s.in):
			return false
		}
		size = min(len(s.in), size+k.chunk)
	}
}

// answer has the keys that b was shown checked, as a's authoritative server does.
func (k *talk) answer(s *side, result s2s.Verdict, err error) {
	for _, v := range s.claims {
		s.Verified(k.now, v, result, err, s.begin())
		s.took(k.other(s), nil)
	}
	s.claims = nil
	k.run()
}

// deliver sends a stanza from s.
func (k *talk) deliver(s *side, local, remote, st string) bool {
	taken := s.Deliver(k.now, s2s.Pair{Local: local, Remote: remote}, []byte(st), s2s.Receipt{}, s.begin())
	s.took(k.other(s), []byte(st))
	k.run()
	return taken
}

// tick lets time pass on both sides.
func (k *talk) tick(after int64) {
	k.now += after
	for _, s := range []*side{k.a, k.b} {
		if due := s.Deadline(); due != 0 && due <= k.now {
			s.Tick(k.now, s.begin())
			s.took(k.other(s), nil)
		}
	}
	k.run()
}

const message = "<message from='u@a.example/r' to='v@b.example' id='1'><body>hello</body></message>"
const back = "<message from='v@b.example/r' to='u@a.example' id='2'><body>hello</body></message>"

func oneWay(c *s2s.Config)    { c.OneWay = true }
func unmanaged(c *s2s.Config) { c.Manage = false }
