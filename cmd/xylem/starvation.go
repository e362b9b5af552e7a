package main

// starvation tells whether the threads behind the event loops get too little of the
// cores: less than an eighth of the time for which one of them has waited, where a nice
// value would give them a sixth of a core. It is known of a thread how long it has
// waited when it gets a core, and those who have waited longest get it first, that of
// who asks here among them.
type starvation struct {
	before map[int32]threadTimes // at the last look
}

type threadTimes struct{ ran, waited uint64 }

// hungry is how long one thread has waited between two looks, at least, where they starve.
const hungry = floodPause / 2

// look is by what has changed since the last one; not after forget.
func (s *starvation) look(p processThreads, hasLoop func(id int32) bool) bool {
	now := map[int32]threadTimes{}
	var ran, waited uint64
	for _, id := range p.ids() {
		if hasLoop(id) {
			continue
		}
		r, w, known := p.times(id)
		before, seen := s.before[id]
		if now[id] = (threadTimes{r, w}); known && seen {
			ran += r - before.ran
			waited = max(waited, w-before.waited)
		}
	}
	s.before = now
	return waited >= uint64(hungry) && ran < waited/8
}

func (s *starvation) forget() { s.before = nil }

// mercy is how long threads that have starved stay before those that starve: longer each
// time in the same flood, as to find out that they still would takes up to lateLook.
type mercy struct {
	looks int // the last one
	left  int // of it; 0: none is granted
}

const (
	leastMercy = 40 // looks: 10 s
	mostMercy  = 40 * leastMercy
)

// isOver is for each look in which the threads are not behind.
func (m *mercy) isOver() bool {
	if m.left == 0 {
		m.looks = min(max(leastMercy, 2*m.looks), mostMercy)
		m.left = m.looks
	}
	m.left--
	return m.left == 0
}
