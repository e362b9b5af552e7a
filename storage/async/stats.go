package async

import "time"

// Stats are a pump's figures. Counters run from New on.
type Stats struct {
	Ops   int // accepted and not yet answered
	Bytes int // their storage.Op.Size in sum

	Refused uint64 // Submits that got ErrBusy
	Reads   uint64 // answered
	Applies uint64 // answered
	Failed  uint64 // of both, those whose result has an error other than ErrNotFound and ErrConflict
	Commits uint64 // group commits; Applies / Commits is the mean size of a group

	// Sums of the time from Submit to delivery, over all answered operations.
	ReadLatency, ApplyLatency time.Duration
	// Sums of the time that the driver took; reads run beside each other.
	ReadTime, CommitTime time.Duration
}

// Stats returns the figures of this instant.
func (p *Pump) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats
}

// count books a delivered group whose driver call took this long.
func (s *Stats) count(g *group, now, took time.Duration) {
	if g.requests[0].class() == applying {
		s.Commits++
		s.CommitTime += took
	} else {
		s.ReadTime += took
	}
	for _, r := range g.requests {
		s.Ops--
		s.Bytes -= r.size
		if r.failed {
			s.Failed++
		}
		if r.class() == applying {
			s.Applies++
			s.ApplyLatency += now - r.submitted
		} else {
			s.Reads++
			s.ReadLatency += now - r.submitted
		}
	}
}
