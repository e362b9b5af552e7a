package hugepages

import "time"

// What the tests reach inside for.
var (
	ReadSpans     = readSpans
	ReadAvailable = readAvailable
	FreeBelow     = freeBelow
	KeepAt        = keep
)

type (
	Span     = span
	Schedule = schedule
)

// MakeSpan is a span.
func MakeSpan(from, to uintptr) Span { return span{from, to} }

// Blocks are the addresses of the blocks inside.
func (s span) Blocks(size uintptr) (at []uintptr) {
	s.blocks(size, func(a uintptr) bool {
		at = append(at, a)
		return true
	})
	return at
}

// Due is due at a time in Unix seconds.
func (s *schedule) Due(seconds, live int64) bool { return s.due(time.Unix(seconds, 0), live) }
