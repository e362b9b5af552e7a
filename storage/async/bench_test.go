package async_test

import (
	"fmt"
	"testing"

	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/async"
)

// instant is a driver that has nothing to do.
type instant struct{}

func (instant) Read(op *storage.Op) storage.Result    { return storage.Result{Token: op.Token} }
func (instant) Apply(ops []*storage.Op, errs []error) { clear(errs) }
func (instant) Sync() error                           { return nil }
func (instant) Close() error                          { return nil }

// BenchmarkSubmit is what an event loop pays for an operation, and the whole way
// through the pump beside it.
func BenchmarkSubmit(b *testing.B) {
	op := storage.Op{Kind: storage.Apply, Owner: "alice@localhost"}
	op.Batch.Put("offline", []byte("0000000000000001"), make([]byte, 400))
	owners := make([]string, 1024)
	for i := range owners {
		owners[i] = fmt.Sprintf("user%05d@localhost", i)
	}
	for _, kind := range []storage.OpKind{storage.Apply, storage.Get} {
		b.Run(kind.String(), func(b *testing.B) {
			room := make(chan struct{}, 512) // in flight
			p, err := async.New(async.Options{Driver: instant{}, Deliver: func(results []storage.Result) {
				for range results {
					<-room
				}
			}})
			if err != nil {
				b.Fatal(err)
			}
			op.Kind, op.Collection = kind, "offline"
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				room <- struct{}{}
				op.Owner = owners[i%len(owners)]
				if err := p.Submit(&op); err != nil {
					b.Fatal(err)
				}
			}
			if err := p.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkRefuse is what it pays when the pump is at its bound.
func BenchmarkRefuse(b *testing.B) {
	hold := make(chan struct{})
	p, err := async.New(async.Options{Driver: held{hold: hold}, MaxOps: 1, Deliver: func([]storage.Result) {}})
	if err != nil {
		b.Fatal(err)
	}
	op := put("o", "k", "v")
	if err := p.Submit(op); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Submit(op); err != storage.ErrBusy {
			b.Fatal(err)
		}
	}
	close(hold)
	if err := p.Close(); err != nil {
		b.Fatal(err)
	}
}

// held is an instant driver that applies nothing before hold is closed.
type held struct {
	instant
	hold chan struct{}
}

func (h held) Apply(_ []*storage.Op, errs []error) {
	<-h.hold
	clear(errs)
}

// The whole way of an operation through the pump allocates nothing of its own.
func TestNoAllocations(t *testing.T) {
	done := make(chan struct{}, 1)
	p, err := async.New(async.Options{Driver: instant{}, Deliver: func([]storage.Result) { done <- struct{}{} }})
	if err != nil {
		t.Fatal(err)
	}
	defer closePump(t, p)
	for _, op := range []*storage.Op{put("alice@localhost", "k", "v"), get("alice@localhost", "k")} {
		allocs := testing.AllocsPerRun(200, func() {
			if err := p.Submit(op); err != nil {
				t.Error(err)
				return
			}
			<-done
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations, want 0", op.Kind, allocs)
		}
	}
}
