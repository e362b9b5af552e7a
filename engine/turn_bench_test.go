package engine_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/xep/standard"
)

// BenchmarkTurn is what a loop of the stock server takes for a message of 350 bytes
// between two of 200 sessions that lies in memory, several of each sender at a time: all
// that is done for it but system calls. The fastest turns tell most on a machine
// that does other things, too.
func BenchmarkTurn(b *testing.B) {
	const pairs, senders = 100, 11 // senders of 16 messages fill a turn, see turnBytes
	s := serve(b, func(cfg *engine.Config) {
		cfg.Loops, cfg.Extensions = 1, standard.Register
		withStore(cfg)
	})
	wires := make([]*engine.Wire, 2*pairs)
	for i := range wires {
		user := fmt.Sprintf("bench%d", i)
		s.create(b, user+"@localhost")
		wires[i] = s.attachQuiet(b, user)
	}
	for _, inFlight := range []int{1, 16} {
		inputs := make([]engine.Input, len(wires))
		for i, w := range wires {
			message := fmt.Sprintf("<message to='bench%d@localhost' type='chat' id='3f1c9a52-77d0-4c1e-9f25-%d'><body>", i^1, i+1e11)
			message += strings.Repeat("Some text. ", 40)[:350-len(message)-len("</body></message>")] + "</body></message>"
			inputs[i] = engine.Input{From: w, Bytes: bytes.Repeat([]byte(message), inFlight)}
		}
		b.Run(fmt.Sprintf("in-flight-%d", inFlight), func(b *testing.B) {
			b.ReportAllocs()
			var turns []time.Duration
			s.OnLoop(0, func(turn func([]engine.Input)) {
				for at := 0; b.Loop(); at = (at + senders) % (len(inputs) - senders) {
					began := time.Now()
					turn(inputs[at : at+senders])
					turns = append(turns, time.Since(began))
				}
			})
			slices.Sort(turns)
			perMessage := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / float64(senders*inFlight) }
			b.ReportMetric(perMessage(turns[len(turns)/20]), "ns/msg-fast")
			b.ReportMetric(perMessage(turns[len(turns)/2]), "ns/msg")
		})
	}
}

// attachQuiet logs a user in whose client then reads everything and looks at nothing.
func (s *server) attachQuiet(b *testing.B, user string) *engine.Wire {
	b.Helper()
	return attachTo(b, s.Attach, nil, func(login *client) {
		login.open()
		login.authenticate(user)
		login.bind("r")
		login.send("<presence/>")
		login.expect("presence")
	}).Wire
}
