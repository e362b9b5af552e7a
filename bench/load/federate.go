package load

import (
	"context"
	"fmt"
)

// Phases of S2S.
const (
	PhaseLocal  = "local"  // pairs are at one server
	PhaseRemote = "remote" // pairs are at both
)

// Quartet is how many accounts belong together in S2S: two at each server.
const Quartet = 4

// federate is chat of the same sessions, first within each server and then
// between both, so that what a message costs can be compared.
func (w *Worker) federate(ctx context.Context, c Command) error {
	step := map[string]int{PhaseLocal: 2, PhaseRemote: 1}[c.Phase]
	if step == 0 || len(w.players)%Quartet != 0 {
		return fmt.Errorf("phase %q with %d sessions", c.Phase, len(w.players))
	}
	for i, p := range w.players {
		p.meet(w.players[i^step]) // accounts with even numbers are at one server, the others at the other
	}
	w.before.lost, w.before.duplicated, w.before.reordered = 0, 0, 0 // new flows
	return w.chat(ctx, c)
}

// meet gives p another peer. Nothing may be under way to p that counts.
func (p *player) meet(peer *player) {
	p.peer = peer
	p.sent.Store(0)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.in, p.writer, p.strict = flow{}, peer.s.Account.Index, true
}
