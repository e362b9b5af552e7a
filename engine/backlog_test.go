package engine

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestBacklog: what is added comes out in order, whatever the pieces are, and a chunk
// that was emptied is used again.
func TestBacklog(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var pool chunkPool
	for range 200 {
		var q backlog
		var in, out []byte
		for step := range 60 {
			if rnd.IntN(2) == 0 || step == 0 {
				b := make([]byte, rnd.IntN([]int{40, 2 * firstChunk, 3 * backlogChunk}[rnd.IntN(3)]))
				for i := range b {
					b[i] = byte(rnd.Uint32())
				}
				q.add(b, &pool)
				in = append(in, b...)
			}
			if front := q.front(); len(front) > 0 {
				n := 1 + rnd.IntN(len(front))
				out = append(out, front[:n]...)
				q.take(n, &pool)
			}
			if q.size() != len(in)-len(out) {
				t.Fatalf("%d bytes held, want %d", q.size(), len(in)-len(out))
			}
		}
		for q.size() > 0 {
			out = append(out, q.front()...)
			q.take(len(q.front()), &pool)
		}
		if !bytes.Equal(in, out) {
			t.Fatalf("%d bytes came out otherwise than they went in", len(out))
		}
		if q.held != nil {
			t.Fatal("an empty backlog holds memory")
		}
	}
}

// TestBacklogIsSmallAtFirst: little takes little, more takes large chunks.
func TestBacklogIsSmallAtFirst(t *testing.T) {
	for _, c := range []struct {
		name   string
		pieces []int
		want   int // bytes of all chunks
	}{
		{"a byte", []int{1}, firstChunk},
		{"as much as the small one holds", []int{firstChunk / 2, firstChunk / 2}, firstChunk},
		{"a byte more", []int{firstChunk, 1}, firstChunk + backlogChunk},
		{"much at once", []int{firstChunk + 1}, backlogChunk},
		{"much more", []int{1, 2 * backlogChunk}, firstChunk + 2*backlogChunk},
	} {
		var pool chunkPool
		var q backlog
		for _, n := range c.pieces {
			q.add(make([]byte, n), &pool)
		}
		got := 0
		for _, chunk := range q.chunks {
			got += cap(chunk)
		}
		if got != c.want {
			t.Errorf("%s takes %d bytes, want %d", c.name, got, c.want)
		}
	}
}
