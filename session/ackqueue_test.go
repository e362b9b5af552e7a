package session_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/xylem-im/xylem/session"
)

// kept is what an AckQueue was given.
type kept struct {
	at  int64
	st  []byte
	tag uint32
}

// A queue holds what was added and not acknowledged, in order and unchanged,
// whatever the sizes; queues that share memory do not touch each other's.
func TestAckQueue(t *testing.T) {
	const seed, queues, steps = 11, 3, 20_000
	r := rand.New(rand.NewPCG(seed, seed))
	var stores session.AckStores
	var all [queues]struct {
		q    session.AckQueue
		want []kept
		sent int
	}
	for step := range steps {
		a := &all[r.IntN(queues)]
		switch n := r.IntN(20); {
		case n < 15 || len(a.want) == 0:
			size := []int{1, 100, 495, 496, 497, 2031, 2032, 2033, 5000}[r.IntN(9)] // around the sizes of pieces
			k := kept{int64(step), bytes.Repeat([]byte{byte(step)}, size), uint32(step * 7)}
			a.q.Add(k.at, k.st, k.tag, &stores)
			a.want = append(a.want, k)
			a.sent++
		case n < 19:
			done := 1 + r.IntN(len(a.want))
			a.want = a.want[done:]
			if !a.q.Ack(uint32(a.sent-len(a.want)), &stores) {
				t.Fatalf("step %d: an acknowledgement of %d was refused", step, done)
			}
		default:
			a.want = nil
			a.q.Release(&stores)
		}
		size, i := 0, 0
		a.q.All(func(at int64, st []byte, tag uint32) bool {
			if i == len(a.want) || at != a.want[i].at || tag != a.want[i].tag || !bytes.Equal(st, a.want[i].st) {
				t.Fatalf("step %d: stanza %d of %d is %d bytes, %d, %d", step, i, len(a.want), len(st), at, tag)
			}
			size += len(st)
			i++
			return true
		})
		if len(a.want) > 0 { // from anywhere on
			n := r.IntN(len(a.want))
			a.q.After(uint64(a.sent-len(a.want)+n), func(at int64, _ []byte, tag uint32) bool {
				if n == len(a.want) || at != a.want[n].at || tag != a.want[n].tag {
					t.Fatalf("step %d: After has %d, %d", step, at, tag)
				}
				n++
				return true
			})
			if n != len(a.want) {
				t.Fatalf("step %d: After ended before stanza %d of %d", step, n, len(a.want))
			}
		}
		if i != len(a.want) || a.q.Count() != i || a.q.Bytes() != size || a.q.Sent() != uint64(a.sent) || a.q.Acked() != uint64(a.sent-i) {
			t.Fatalf("step %d: %d stanzas of %d, Count %d, Bytes %d of %d, Sent %d of %d, Acked %d", step, i, len(a.want),
				a.q.Count(), a.q.Bytes(), size, a.q.Sent(), a.sent, a.q.Acked())
		}
	}
}

// What a client acknowledges soon needs no new memory, nor does a queue that is
// never quite empty.
func TestAckQueueAllocatesNothing(t *testing.T) {
	var stores session.AckStores
	var q session.AckQueue
	st := make([]byte, 350)
	for _, left := range []int{0, 3} {
		round := func() {
			for range 20 {
				q.Add(1, st, 0, &stores)
			}
			q.Ack(uint32(q.Sent())-uint32(left), &stores)
		}
		round()
		if n := testing.AllocsPerRun(100, round); n != 0 {
			t.Errorf("%d left: %v allocations", left, n)
		}
	}
}
