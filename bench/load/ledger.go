package load

import (
	"sync"

	"github.com/xylem-im/xylem/parser"
)

// A ledger says what became of each message of a flood: its sender was told
// that it was refused, or its recipient got it after all. Message k goes to
// recipient k modulo the number of recipients. Safe for concurrent use.
type ledger struct {
	run string // names the flood in tokens

	mu      sync.Mutex
	fates   []fate
	open    []int // messages of each recipient of which nothing is known
	refused int64
	kept    int64
	twice   int64 // of which both became true, or one of them twice
}

type fate uint8

const (
	notSent fate = iota
	unknown
	refused
	kept
)

func newLedger(run string, recipients int) *ledger {
	return &ledger{run: run + "-flood", open: make([]int, recipients)}
}

// sent notes message k.
func (l *ledger) sent(k int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.fates) <= k {
		l.fates = append(l.fates, notSent)
	}
	l.fates[k] = unknown
	l.open[k%len(l.open)]++
}

// learn takes a message that came to a sender (as an error) or a recipient, and
// reports whether it is one of the flood.
func (l *ledger) learn(f *parser.Frame, what fate) bool {
	id, _ := f.ID()
	tok, ok, _ := parseToken(id, l.run)
	if !ok {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	k := int(tok.number)
	switch {
	case k >= len(l.fates) || l.fates[k] == notSent:
		return false
	case l.fates[k] != unknown:
		l.twice++
		return true
	}
	l.fates[k] = what
	l.open[k%len(l.open)]--
	if what == refused {
		l.refused++
	} else {
		l.kept++
	}
	return true
}

// left is how many messages of a recipient are not accounted for.
func (l *ledger) left(recipient int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open[recipient]
}

// count fills in the counters.
func (l *ledger) count(counters map[string]int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	left := int64(0)
	for _, n := range l.open {
		left += int64(n)
	}
	counters[CountRefused], counters[CountKept] = l.refused, l.kept
	counters[CountUnaccounted], counters[CountTwice] = left, l.twice
}
