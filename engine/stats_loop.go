package engine

import "sync/atomic"

// loopStats are written by their loop (wakes: by whoever wakes it) and read
// by Stats. The padding keeps loops off each other's cache lines.
type loopStats struct {
	_            [64]byte
	accepted     atomic.Uint64
	sessions     atomic.Int64
	handshakes   atomic.Int64
	authSuccess  atomic.Uint64
	authFailure  atomic.Uint64
	stanzasIn    atomic.Uint64
	stanzasOut   atomic.Uint64
	peerIn       atomic.Uint64
	peerOut      atomic.Uint64
	componentIn  atomic.Uint64
	componentOut atomic.Uint64
	resumed      atomic.Uint64
	returned     atomic.Uint64
	kept         atomic.Uint64
	repeated     atomic.Uint64
	bounced      atomic.Uint64
	streamErrors atomic.Uint64
	throttled    atomic.Uint64
	slowClosed   atomic.Uint64
	bytesIn      atomic.Uint64
	bytesOut     atomic.Uint64
	outbound     atomic.Int64
	writes       atomic.Uint64
	_            [64]byte
	wakes        atomic.Uint64
	_            [64]byte
}

// Stats sums the counters of all loops.
func (e *Engine) Stats() Stats {
	s := Stats{
		Connections:  e.admission.open.Load(),
		RefusedTotal: e.admission.refused.Load(),
		Detached:     e.detached.Load(),
		Domains:      int64(len(e.table.Domains())),
		Remotes:      e.remoteCount.Load(),
		Components:   e.connectedComponents(),

		AttemptsTotal:       e.peerAttempts.Load(),
		AttemptsFailedTotal: e.peerAttemptsFailed.Load(),
	}
	if !e.serving() {
		return s
	}
	for _, l := range e.loops {
		s.add(&l.stats)
	}
	if e.pump != nil {
		p := e.pump.Stats()
		s.Storage = StorageStats{Queued: int64(p.Ops), CommitsTotal: p.Commits,
			OpsTotal: p.Reads + p.Applies, ErrorsTotal: p.Failed}
	}
	return s
}

func (s *Stats) add(l *loopStats) {
	s.Sessions += l.sessions.Load()
	s.Handshakes += l.handshakes.Load()
	s.AcceptedTotal += l.accepted.Load()
	s.AuthSuccessTotal += l.authSuccess.Load()
	s.AuthFailureTotal += l.authFailure.Load()
	s.StanzasInTotal += l.stanzasIn.Load()
	s.StanzasOutTotal += l.stanzasOut.Load()
	s.PeerInTotal += l.peerIn.Load()
	s.PeerOutTotal += l.peerOut.Load()
	s.ComponentInTotal += l.componentIn.Load()
	s.ComponentOutTotal += l.componentOut.Load()
	s.ResumedTotal += l.resumed.Load()
	s.ReturnedTotal += l.returned.Load()
	s.KeptTotal += l.kept.Load()
	s.RepeatedTotal += l.repeated.Load()
	s.BouncedTotal += l.bounced.Load()
	s.StreamErrorsTotal += l.streamErrors.Load()
	s.ThrottledTotal += l.throttled.Load()
	s.SlowClosedTotal += l.slowClosed.Load()
	s.BytesInTotal += l.bytesIn.Load()
	s.BytesOutTotal += l.bytesOut.Load()
	s.OutboundBytes += l.outbound.Load()
	s.WritesTotal += l.writes.Load()
	s.WakesTotal += l.wakes.Load()
}
