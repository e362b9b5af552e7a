package main

import (
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// memoryPause is the time between two looks at memory that is held for
// nothing.
const memoryPause = 2 * time.Second

// trimmer gives memory back to the system when a burst is over. A login leaves
// more garbage than the session that it makes (a TLS handshake alone over
// 60 KB), and a server whose clients are idle allocates so little that the
// collector would not run by itself for minutes.
type trimmer struct {
	allocated uint64 // bytes ever allocated, at the last look
	trimmed   uint64 // the same, when memory was last given back
	looks     int    // since then
	again     bool   // it is to be given back once more after trimSpacing
}

const (
	trimLeast = 4 << 20 // slack in bytes that is not worth a collection
	trimQuiet = 1 << 17 // bytes allocated between two looks at a server that is at rest

	// trimSpacing is how many looks lie between two times at least, 30 s: a server
	// with short pauses in its work does not collect in each of them. TLS
	// connections at rest have dropped their keys by then, which nobody would
	// collect, as nothing is allocated.
	trimSpacing = 15
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
// at the last collection, held now. It is due twice for the same garbage: soon,
// and once more when what was in use for a while has been let go.
func (t *trimmer) due(allocated, live, held uint64) bool {
	quiet := allocated-t.allocated < trimQuiet
	t.allocated = allocated
	t.looks++
	if !quiet || t.trimmed > 0 && t.looks < trimSpacing {
		return false
	}
	slack := max(held, live) - live
	fresh := allocated-t.trimmed >= trimLeast && slack >= max(trimLeast, live/4)
	if !fresh && !t.again {
		return false
	}
	t.trimmed, t.looks, t.again = allocated, 0, fresh
	return true
}
