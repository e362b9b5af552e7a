package load

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Range and precision of histograms: 1 µs to 10 minutes, three digits.
const (
	histLow    = int64(time.Microsecond)
	histHigh   = int64(10 * time.Minute)
	histDigits = 3
)

// NewHistogram returns an empty histogram as all of the harness uses them, in
// nanoseconds.
func NewHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(histLow, histHigh, histDigits) }

// clock counts nanoseconds since the epoch that all processes share. Wall time
// is read once; from then on the clock is monotonic.
type clock struct {
	start time.Time
	at    int64
}

func newClock(epoch int64) clock {
	now := time.Now()
	return clock{start: now, at: now.UnixNano() - epoch}
}

func (c clock) now() int64              { return c.since(time.Now()) }
func (c clock) since(t time.Time) int64 { return c.at + int64(t.Sub(c.start)) }

// window is the part of a run that counts, in nanoseconds of the clock. It is
// moved while sessions receive.
type window struct{ from, to atomic.Int64 }

func (w *window) set(from, to int64) {
	w.to.Store(0) // empty meanwhile
	w.from.Store(from)
	w.to.Store(to)
}

func (w *window) has(t int64) bool { return t >= w.from.Load() && t < w.to.Load() }

// meter counts for a part of the sessions. Safe for concurrent use; sessions
// are spread over several, so that they seldom wait for each other.
type meter struct {
	window    *window
	sent      atomic.Int64 // in the window
	delivered atomic.Int64 // in the window
	presence  atomic.Int64 // in the window, beside chat
	copies    atomic.Int64 // the same, on further devices
	total     atomic.Int64 // delivered ever
	errors    atomic.Int64
	stray     atomic.Int64
	_         [64]byte // meters of different sessions do not share a cache line

	mu    sync.Mutex
	hists map[string]*hdrhistogram.Histogram
}

// arrived counts one stanza that was due at due and arrived at at.
func (m *meter) arrived(name string, due, at int64) {
	m.total.Add(1)
	if m.window.has(at) {
		m.delivered.Add(1)
	}
	if m.window.has(due) {
		m.record(name, at-due)
	}
}

// notified counts presence that arrived at at, beside chat.
func (m *meter) notified(at int64) {
	if m.window.has(at) {
		m.presence.Add(1)
	}
}

// copied counts a message that reached a further device of an account.
func (m *meter) copied(due, at int64) {
	if m.window.has(at) {
		m.copies.Add(1)
	}
	if m.window.has(due) {
		m.record(HistCopy, at-due)
	}
}

// stored counts a message that was not delivered directly.
func (m *meter) stored(at int64) {
	m.total.Add(1)
	if m.window.has(at) {
		m.delivered.Add(1)
	}
}

// record adds a value to a histogram.
func (m *meter) record(name string, value int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := m.hists[name]
	if h == nil {
		if m.hists == nil {
			m.hists = map[string]*hdrhistogram.Histogram{}
		}
		h = NewHistogram()
		m.hists[name] = h
	}
	_ = h.RecordValue(min(max(value, histLow), histHigh)) // inside the range, so it cannot fail
}

// left counts stanzas that were sent at at.
func (m *meter) left(at int64, n int) {
	if m.window.has(at) {
		m.sent.Add(int64(n))
	}
}

// meters are all of a process.
type meters struct {
	window window
	list   []*meter
}

func newMeters(n int) *meters {
	m := &meters{}
	for range n {
		m.list = append(m.list, &meter{window: &m.window})
	}
	return m
}

func (m *meters) of(index int) *meter { return m.list[index%len(m.list)] }

// begin forgets what was counted and sets the window.
func (m *meters) begin(from, to int64) {
	m.window.set(from, to)
	for _, one := range m.list {
		one.sent.Store(0)
		one.delivered.Store(0)
		one.presence.Store(0)
		one.copies.Store(0)
		one.errors.Store(0)
		one.stray.Store(0)
		one.mu.Lock()
		one.hists = nil
		one.mu.Unlock()
	}
}

func (m *meters) sum(of func(*meter) *atomic.Int64) (n int64) {
	for _, one := range m.list {
		n += of(one).Load()
	}
	return n
}

func (m *meters) total() int64 { return m.sum(func(m *meter) *atomic.Int64 { return &m.total }) }

// counters returns what was counted.
func (m *meters) counters() map[string]int64 {
	return map[string]int64{
		CountSent:      m.sum(func(m *meter) *atomic.Int64 { return &m.sent }),
		CountDelivered: m.sum(func(m *meter) *atomic.Int64 { return &m.delivered }),
		CountPresence:  m.sum(func(m *meter) *atomic.Int64 { return &m.presence }),
		CountCopies:    m.sum(func(m *meter) *atomic.Int64 { return &m.copies }),
		CountErrors:    m.sum(func(m *meter) *atomic.Int64 { return &m.errors }),
		CountStray:     m.sum(func(m *meter) *atomic.Int64 { return &m.stray }),
	}
}

// histograms returns the sums of the histograms, encoded.
func (m *meters) histograms() (map[string][]byte, error) {
	sums := map[string]*hdrhistogram.Histogram{}
	for _, one := range m.list {
		one.mu.Lock()
		for name, h := range one.hists {
			if sums[name] == nil {
				sums[name] = NewHistogram()
			}
			sums[name].Merge(h)
		}
		one.mu.Unlock()
	}
	out := map[string][]byte{}
	for name, h := range sums {
		b, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
		if err != nil {
			return nil, err
		}
		out[name] = b
	}
	return out, nil
}
