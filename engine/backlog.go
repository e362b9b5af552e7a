package engine

import "sync"

// backlog holds what a peer has not taken yet, in chunks. The zero value is empty, and
// one word, since nearly all are. Loop only.
type backlog struct{ *held }

type held struct {
	chunks [][]byte // at least one
	read   int      // bytes of chunks[0] that were taken
	bytes  int      // bytes held
}

// size is the number of bytes held.
func (q *backlog) size() int {
	if q.held == nil {
		return 0
	}
	return q.bytes
}

const (
	backlogChunk = 16 << 10
	// firstChunk is for those that lack little: of ten thousand clients that have
	// stopped reading, each makes the engine hold the end of one stanza at first.
	firstChunk = 1 << 10
)

// chunkPool recycles the chunks of an engine's backlogs. Safe for concurrent use.
type chunkPool struct{ small, large sync.Pool }

// get returns an empty chunk: a small one for the first n bytes of a backlog if they fit.
func (p *chunkPool) get(n int, first bool) []byte {
	if first && n <= firstChunk {
		if c, ok := p.small.Get().(*[firstChunk]byte); ok {
			return c[:0]
		}
		return new([firstChunk]byte)[:0]
	}
	if c, ok := p.large.Get().(*[backlogChunk]byte); ok {
		return c[:0]
	}
	return new([backlogChunk]byte)[:0]
}

func (p *chunkPool) put(chunk []byte) {
	if cap(chunk) == firstChunk {
		p.small.Put((*[firstChunk]byte)(chunk[:firstChunk]))
		return
	}
	p.large.Put((*[backlogChunk]byte)(chunk[:backlogChunk]))
}

// add copies b to the end.
func (q *backlog) add(b []byte, pool *chunkPool) {
	if len(b) == 0 {
		return
	}
	if q.held == nil {
		q.held = &held{}
	}
	q.bytes += len(b)
	for len(b) > 0 {
		last := len(q.chunks) - 1
		if last < 0 || len(q.chunks[last]) == cap(q.chunks[last]) {
			q.chunks = append(q.chunks, pool.get(len(b), last < 0))
			continue
		}
		n := min(len(b), cap(q.chunks[last])-len(q.chunks[last]))
		q.chunks[last] = append(q.chunks[last], b[:n]...)
		b = b[n:]
	}
}

// front is the oldest piece; empty when nothing is held. valid until the next
// call of take.
func (q *backlog) front() []byte {
	if q.held == nil {
		return nil
	}
	return q.chunks[0][q.read:]
}

// take removes the first n bytes, which are no more than front.
func (q *backlog) take(n int, pool *chunkPool) {
	q.bytes -= n
	if q.read += n; q.read < len(q.chunks[0]) {
		return
	}
	pool.put(q.chunks[0])
	q.chunks[0] = nil
	q.chunks = q.chunks[1:]
	q.read = 0
	if len(q.chunks) == 0 {
		q.held = nil
	}
}

// clear gives all memory back.
func (q *backlog) clear(pool *chunkPool) {
	if q.held == nil {
		return
	}
	for _, chunk := range q.chunks {
		pool.put(chunk)
	}
	q.held = nil
}
