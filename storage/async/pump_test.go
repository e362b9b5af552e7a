package async_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/async"
	"github.com/xylem-im/xylem/storage/memory"
	"github.com/xylem-im/xylem/storage/storagetest"
)

// inbox stands for the loops: it keeps what was delivered to each, in order.
type inbox struct {
	mu     sync.Mutex
	byLoop map[uint32][]storage.Result
	calls  int
	mixed  bool // a call held results of two loops
	total  int
	want   int
	all    chan struct{} // closed when total reaches want
}

func newInbox(want int) *inbox {
	return &inbox{byLoop: map[uint32][]storage.Result{}, want: want, all: make(chan struct{})}
}

func (in *inbox) deliver(results []storage.Result) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.calls++
	for _, r := range results {
		in.mixed = in.mixed || r.Token.Loop != results[0].Token.Loop
		in.byLoop[r.Token.Loop] = append(in.byLoop[r.Token.Loop], r)
		if in.total++; in.total == in.want {
			close(in.all)
		}
	}
}

func put(owner, key, value string) *storage.Op {
	op := &storage.Op{Kind: storage.Apply, Owner: owner}
	op.Batch.Put("c", []byte(key), []byte(value))
	return op
}

func get(owner, key string) *storage.Op {
	return &storage.Op{Kind: storage.Get, Owner: owner, Collection: "c", Key: []byte(key)}
}

func submit(t *testing.T, p *async.Pump, op *storage.Op, loop, serial uint32) {
	t.Helper()
	op.Token = storage.Token{Loop: loop, Serial: serial}
	if err := p.Submit(op); err != nil {
		t.Fatalf("submit of %s %d: %v", op.Kind, serial, err)
	}
}

func start(t *testing.T, opts async.Options) *async.Pump {
	t.Helper()
	p, err := async.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func closePump(t *testing.T, p *async.Pump) {
	t.Helper()
	if err := p.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func TestOptionsAreRequired(t *testing.T) {
	for _, opts := range []async.Options{{}, {Driver: memory.New(memory.Options{})}, {Deliver: newInbox(0).deliver}} {
		if _, err := async.New(opts); err == nil {
			t.Errorf("New(%+v) succeeded", opts)
		}
	}
}

// A group is held up; what queues meanwhile becomes the next group, in order,
// answered by one delivery for each loop.
func TestGroupCommit(t *testing.T) {
	gate := storagetest.NewGate()
	var groups [][]*storage.Op
	driver := storagetest.NewFaulty(memory.New(memory.Options{}), storagetest.Faults{Apply: func(ops []*storage.Op) error {
		groups = append(groups, ops)
		gate.Wait()
		return nil
	}})
	const n = 30
	in := newInbox(n + 1)
	p := start(t, async.Options{Driver: driver, Deliver: in.deliver, MaxGroup: 20})
	submit(t, p, put("first", "k", "v"), 0, 0)
	gate.Arrived()
	for i := range uint32(n) {
		submit(t, p, put(fmt.Sprint("owner", i%7), "k", fmt.Sprint(i)), i%3, i+1)
	}
	if s := p.Stats(); s.Ops != n+1 || s.Bytes < (n+1)*256 {
		t.Errorf("%d ops, %d bytes while held up", s.Ops, s.Bytes)
	}
	gate.Pass()
	for range 2 {
		gate.Arrived()
		gate.Pass()
	}
	<-in.all
	closePump(t, p)

	if len(groups) != 3 {
		t.Fatalf("%d groups, want 3: the first op, MaxGroup, the rest", len(groups))
	}
	if in.calls != 1+3+3 || in.mixed {
		t.Errorf("%d deliveries (mixed: %v), want 7", in.calls, in.mixed)
	}
	for loop, results := range in.byLoop {
		for i := 1; i < len(results); i++ {
			if results[i].Token.Serial <= results[i-1].Token.Serial || results[i].Err != nil {
				t.Errorf("loop %d: result %d: serial %d after %d, %v", loop, i, results[i].Token.Serial, results[i-1].Token.Serial, results[i].Err)
			}
		}
	}
	s := p.Stats()
	if s.Ops != 0 || s.Bytes != 0 || s.Applies != n+1 || s.Commits != 3 || s.Failed != 0 || s.ApplyLatency <= 0 || s.CommitTime <= 0 {
		t.Errorf("stats after: %+v", s)
	}
}

func TestGroupIsBoundedByBytes(t *testing.T) {
	gate := storagetest.NewGate()
	driver := storagetest.NewFaulty(memory.New(memory.Options{}), storagetest.Faults{Apply: func([]*storage.Op) error {
		gate.Wait()
		return nil
	}})
	in := newInbox(5)
	p := start(t, async.Options{Driver: driver, Deliver: in.deliver, MaxGroupBytes: 5000})
	value := string(make([]byte, 2000))
	submit(t, p, put("o", "k", string(make([]byte, 6000))), 0, 0) // alone it may be larger
	gate.Arrived()
	for i := range uint32(4) {
		submit(t, p, put("o", "k", value), 0, i)
	}
	gate.Pass()
	for range 2 {
		gate.Arrived()
		gate.Pass()
	}
	<-in.all
	closePump(t, p)
	if s := p.Stats(); s.Commits != 3 {
		t.Errorf("%d commits, want 3: 1, 2 and 2 ops", s.Commits)
	}
}

// The four ways in which two operations of one owner may follow each other, and
// that another owner does not wait.
func TestOrderPerOwner(t *testing.T) {
	read, apply := storagetest.NewGate(), storagetest.NewGate()
	inner := memory.New(memory.Options{})
	driver := storagetest.NewFaulty(inner, storagetest.Faults{
		Read: func(op *storage.Op) error {
			if op.Owner == "alice" {
				read.Wait()
			}
			return nil
		},
		Apply: func(ops []*storage.Op) error {
			if ops[0].Owner == "alice" {
				apply.Wait()
			}
			return nil
		},
	})
	in := newInbox(7)
	p := start(t, async.Options{Driver: driver, Deliver: in.deliver, Readers: 3})
	submit(t, p, put("alice", "k", "1"), 0, 1)
	submit(t, p, get("alice", "k"), 0, 2) // sees 1
	submit(t, p, get("alice", "k"), 0, 3) // beside it
	submit(t, p, put("alice", "k", "2"), 0, 4)
	submit(t, p, put("alice", "k", "3"), 0, 5) // with it
	submit(t, p, get("alice", "k"), 0, 6)      // sees 3
	submit(t, p, get("alice", "none"), 0, 7)

	apply.Arrived()
	if res := p.Do(t.Context(), get("bob", "k")); !errors.Is(res.Err, storage.ErrNotFound) {
		t.Errorf("bob while alice's apply is held up: %v", res.Err)
	}
	apply.Pass()
	read.Arrived()
	read.Arrived() // both reads at once
	if res := p.Do(t.Context(), put("bob", "k", "")); res.Err != nil {
		t.Errorf("bob while alice's reads are held up: %v", res.Err)
	}
	read.Pass()
	read.Pass()
	apply.Arrived()
	apply.Pass()
	for range 2 {
		read.Arrived()
		read.Pass()
	}
	<-in.all
	closePump(t, p)

	got := map[uint32]string{}
	for _, r := range in.byLoop[0] {
		got[r.Token.Serial] = fmt.Sprint(r.Err)
		if r.Items != nil {
			got[r.Token.Serial] = string(r.Items[0].Value)
		}
	}
	want := map[uint32]string{1: "<nil>", 2: "1", 3: "1", 4: "<nil>", 5: "<nil>", 6: "3", 7: storage.ErrNotFound.Error()}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("results %v, want %v", got, want)
	}
	if s := p.Stats(); s.Commits != 3 || s.Reads != 5 || s.Failed != 0 {
		t.Errorf("%d commits, %d reads, %d failed; want 3 (alice's second has two ops), 5, 0", s.Commits, s.Reads, s.Failed)
	}
}

func TestBusy(t *testing.T) {
	size := put("o", "k", "v").Size()
	tests := []struct {
		name string
		opts async.Options
		fits int
	}{
		{"by count", async.Options{MaxOps: 3}, 3},
		{"by bytes", async.Options{MaxBytes: 3*size + size/2}, 3},
		{"one op larger than the bound", async.Options{MaxBytes: 10}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			hold := make(chan struct{})
			in := newInbox(tt.fits)
			tt.opts.Deliver = in.deliver
			tt.opts.Driver = storagetest.NewFaulty(memory.New(memory.Options{}), storagetest.Faults{Apply: func([]*storage.Op) error {
				<-hold
				return nil
			}})
			p := start(t, tt.opts)
			for i := range tt.fits {
				submit(t, p, put("o", "k", "v"), 0, uint32(i))
			}
			for range 5 {
				if err := p.Submit(put("p", "k", "v")); err != storage.ErrBusy {
					t.Errorf("op beyond the bound: %v, want ErrBusy", err)
				}
			}
			if s := p.Stats(); s.Refused != 5 || s.Ops != tt.fits {
				t.Errorf("%d refused, %d queued; want 5, %d", s.Refused, s.Ops, tt.fits)
			}
			close(hold)
			<-in.all
			// Room is given back after the delivery.
			res := storage.Result{Err: storage.ErrBusy}
			for res.Err == storage.ErrBusy {
				res = p.Do(t.Context(), put("p", "k", "v"))
			}
			if res.Err != nil {
				t.Errorf("op when there is room again: %v", res.Err)
			}
			closePump(t, p)
			if in.total != tt.fits {
				t.Errorf("%d results, want %d", in.total, tt.fits)
			}
		})
	}
}

func TestSubmitValidates(t *testing.T) {
	p := start(t, async.Options{Driver: memory.New(memory.Options{}), Deliver: newInbox(0).deliver})
	defer closePump(t, p)
	if err := p.Submit(&storage.Op{}); !errors.Is(err, storage.ErrInvalid) {
		t.Errorf("empty op: %v", err)
	}
	if err := p.Submit(put("o", "k", string(make([]byte, storage.MaxValueBytes+1)))); !errors.Is(err, storage.ErrTooLarge) {
		t.Errorf("large op: %v", err)
	}
	if s := p.Stats(); s.Ops != 0 {
		t.Errorf("%d ops queued", s.Ops)
	}
}

func TestCloseDrains(t *testing.T) {
	gate := storagetest.NewGate()
	inner := memory.New(memory.Options{})
	driver := storagetest.NewFaulty(inner, storagetest.Faults{Apply: func([]*storage.Op) error {
		gate.Wait()
		return nil
	}})
	in := newInbox(4)
	p := start(t, async.Options{Driver: driver, Deliver: in.deliver})
	submit(t, p, put("o", "k", "1"), 0, 1)
	gate.Arrived()
	submit(t, p, get("o", "k"), 0, 2)
	submit(t, p, put("o", "k", "2"), 0, 3)
	submit(t, p, &storage.Op{Kind: storage.Owners, Collection: "c"}, 0, 4)
	closed := make(chan error, 2)
	for range 2 {
		go func() { closed <- p.Close() }()
	}
	for { // until Close has begun
		err := p.Submit(get("p", "k"))
		if err == storage.ErrClosed {
			break
		}
		if err != nil && err != storage.ErrBusy { // that one on a single core
			t.Fatalf("submit beside Close: %v", err)
		}
		if err == nil {
			in.mu.Lock()
			in.want++
			in.mu.Unlock()
		}
		runtime.Gosched()
	}
	gate.Pass()
	gate.Arrived()
	gate.Pass()
	for range 2 {
		if err := <-closed; err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if in.total != in.want {
		t.Errorf("%d results, want %d", in.total, in.want)
	}
	if res := inner.Read(get("o", "k")); !errors.Is(res.Err, storage.ErrClosed) {
		t.Errorf("driver after Close: %v", res.Err)
	}
}

func TestDo(t *testing.T) {
	gate := storagetest.NewGate()
	in := newInbox(0)
	driver := storagetest.NewFaulty(memory.New(memory.Options{}), storagetest.Faults{Read: func(*storage.Op) error {
		gate.Wait()
		return nil
	}})
	p := start(t, async.Options{Driver: driver, Deliver: in.deliver})
	if res := p.Do(t.Context(), put("o", "k", "v")); res.Err != nil {
		t.Errorf("put: %v", res.Err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		gate.Arrived()
		cancel()
	}()
	if res := p.Do(ctx, get("o", "k")); res.Err != context.Canceled {
		t.Errorf("cancelled: %v", res.Err)
	}
	gate.Pass()
	closePump(t, p)
	if res := p.Do(t.Context(), get("o", "k")); res.Err != storage.ErrClosed {
		t.Errorf("after Close: %v", res.Err)
	}
	if in.calls != 0 {
		t.Errorf("%d deliveries, want none", in.calls)
	}
}

// Errors of the driver reach those whom they concern, and nobody else.
func TestFailures(t *testing.T) {
	broken, unknown, badRead := errors.New("broken"), errors.New("unknown"), errors.New("bad read")
	var fail struct{ read, apply, applied error }
	full := false
	driver := storagetest.NewFaulty(memory.New(memory.Options{}), storagetest.Faults{
		Read:    func(*storage.Op) error { return fail.read },
		Apply:   func([]*storage.Op) error { return fail.apply },
		Applied: func([]*storage.Op) error { return fail.applied },
		Full:    func() bool { return full },
	})
	p := start(t, async.Options{Driver: driver, Deliver: newInbox(0).deliver})
	defer closePump(t, p)
	want := func(what string, op *storage.Op, want error) {
		t.Helper()
		if res := p.Do(t.Context(), op); !errors.Is(res.Err, want) {
			t.Errorf("%s: %v, want %v", what, res.Err, want)
		}
	}
	want("put", put("o", "k", "v"), nil)
	fail.apply = broken
	want("put into a broken store", put("o", "broken", "v"), broken)
	fail.apply, fail.applied = nil, unknown
	want("put with a lost answer", put("o", "unknown", "v"), unknown)
	fail.applied, fail.read = nil, badRead
	want("get from a broken store", get("o", "k"), badRead)
	fail.read, full = nil, true
	want("put into a full store", put("o", "full", "v"), storage.ErrFull)
	removal := &storage.Op{Kind: storage.Apply, Owner: "o"}
	removal.Batch.Delete("c", []byte("k"))
	want("removal from a full store", removal, nil)
	want("get of the removed", get("o", "k"), storage.ErrNotFound)
	want("get of the refused", get("o", "broken"), storage.ErrNotFound)
	want("get of the unknown", get("o", "unknown"), nil)
	if s := p.Stats(); s.Failed != 4 {
		t.Errorf("%d failed, want 4, without those that found nothing", s.Failed)
	}
}

// Each owner's history, from many goroutines through a shuffling driver, is the
// one that was submitted: reads see exactly the puts before them.
func TestHistories(t *testing.T) {
	driver := storagetest.NewFaulty(memory.New(memory.Options{}), storagetest.Faults{Shuffle: rand.New(rand.NewPCG(3, 4))})
	const owners, perOwner = 16, 400
	in := newInbox(owners * perOwner)
	p := start(t, async.Options{Driver: driver, Deliver: in.deliver, Readers: 4, MaxOps: 1 << 20, MaxGroup: 64})
	want := make([]map[uint32]string, owners)
	var producers sync.WaitGroup
	for o := range owners {
		producers.Go(func() {
			r := rand.New(rand.NewPCG(5, uint64(o)))
			want[o] = map[uint32]string{}
			value := ""
			for i := range uint32(perOwner) {
				op := get(fmt.Sprint("owner", o), "k")
				if r.IntN(2) == 0 || i == 0 {
					value = fmt.Sprint(i)
					op = put(op.Owner, "k", value)
				} else {
					want[o][i] = value
				}
				op.Token = storage.Token{Loop: uint32(o % 3), Slot: uint32(o), Serial: i}
				if err := p.Submit(op); err != nil {
					t.Errorf("submit: %v", err)
					return
				}
			}
		})
	}
	producers.Wait()
	<-in.all
	closePump(t, p)
	if in.mixed {
		t.Error("a delivery held results of two loops")
	}
	for _, results := range in.byLoop {
		for _, r := range results {
			value, isRead := want[r.Token.Slot][r.Token.Serial]
			if r.Err != nil || isRead != (len(r.Items) == 1) || isRead && string(r.Items[0].Value) != value {
				t.Fatalf("owner %d op %d: %q, %v; want %q", r.Token.Slot, r.Token.Serial, r.Items, r.Err, value)
			}
		}
	}
}
