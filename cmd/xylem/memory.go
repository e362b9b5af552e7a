package main

import (
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// memoryPause is the time between two looks at memory that is held for
// nothing.
const memoryPause = 15 * time.Second

// trimmer gives memory back to the system when a burst is over. A login leaves
// more garbage than the session that it makes (a TLS handshake alone over
// 60 KB), and a server whose clients are idle allocates so little that the
// collector would not run by itself for minutes.
type trimmer struct {
	allocated uint64 // bytes ever allocated, at the last look
	trimmed   uint64 // the same, when memory was last given back
}

const (
	trimLeast = 4 << 20 // slack in bytes that is not worth a collection
	trimQuiet = 1 << 20 // bytes allocated between two looks at a server that is at rest
)

// look gives memory back if it is due.
func (t *trimmer) look() {
	samples := []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"},
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
	}
	metrics.Read(samples)
	value := func(i int) uint64 { return samples[i].Value.Uint64() }
	if t.due(value(0), value(1), value(2)+value(3)+value(4)) {
		debug.FreeOSMemory()
	}
}

// due tells whether the server has been quiet since the last look and holds at
// least a quarter more than it uses, in bytes: allocated since the start, live
// at the last collection, held now. It is not due twice for the same garbage.
func (t *trimmer) due(allocated, live, held uint64) bool {
	quiet := allocated-t.allocated < trimQuiet
	t.allocated = allocated
	slack := max(held, live) - live
	if !quiet || allocated-t.trimmed < trimLeast || slack < max(trimLeast, live/4) {
		return false
	}
	t.trimmed = allocated
	return true
}
