package async_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/async"
	"github.com/xylem-im/xylem/storage/memory"
	"github.com/xylem-im/xylem/storage/storagetest"
)

// patiently has op wait for others.
func patiently(op *storage.Op) *storage.Op { return waiting(time.Hour, op) }

func waiting(patience time.Duration, op *storage.Op) *storage.Op {
	op.Patience = patience
	return op
}

// groups notes the owners and values of each commit.
func groups(into *[][]string) *storagetest.Faulty {
	return storagetest.NewFaulty(memory.New(memory.Options{}), storagetest.Faults{Apply: func(ops []*storage.Op) error {
		var group []string
		for _, op := range ops {
			group = append(group, op.Owner)
		}
		*into = append(*into, group)
		return nil
	}})
}

// TestPatient: what may wait has no commit of its own while it waits, and shares the
// first that takes place, whatever that is for.
func TestPatient(t *testing.T) {
	for _, c := range []struct {
		name string
		then func(t *testing.T, p *async.Pump) // makes them go
		want string
	}{
		{"an apply of somebody else", func(t *testing.T, p *async.Pump) { submit(t, p, put("carol", "k", "v"), 0, 9) }, "[[carol alice bob]]"},
		{"an apply of the same owner", func(t *testing.T, p *async.Pump) { submit(t, p, put("alice", "k", "later"), 0, 9) }, "[[alice bob alice]]"},
		{"a read of the same owner", func(t *testing.T, p *async.Pump) {
			if res := p.Do(t.Context(), get("alice", "k")); len(res.Items) != 1 || string(res.Items[0].Value) != "v" {
				t.Errorf("read %+v", res)
			}
			submit(t, p, get("alice", "k"), 0, 9)
		}, "[[alice bob]]"},
		{"the end", func(t *testing.T, p *async.Pump) { closePump(t, p) }, "[[alice bob]]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var seen [][]string
			in := newInbox(3)
			p := start(t, async.Options{Driver: groups(&seen), Deliver: in.deliver})
			submit(t, p, patiently(put("alice", "k", "v")), 0, 1)
			submit(t, p, patiently(put("bob", "k", "v")), 0, 2)
			if res := p.Do(t.Context(), get("dave", "k")); !errors.Is(res.Err, storage.ErrNotFound) {
				t.Errorf("read of another owner: %v", res.Err)
			}
			if s := p.Stats(); s.Commits != 0 || s.Ops != 2 {
				t.Errorf("%d commits, %d under way; want 0 and 2", s.Commits, s.Ops)
			}
			c.then(t, p)
			closePump(t, p)
			if got := fmt.Sprint(seen); got != c.want {
				t.Errorf("commits %v, want %v", got, c.want)
			}
		})
	}
}

// TestPatienceEnds by the clock, with the patience of whoever has the least, and when
// too many wait.
func TestPatienceEnds(t *testing.T) {
	always := func(d time.Duration) func(int) time.Duration { return func(int) time.Duration { return d } }
	for _, c := range []struct {
		name     string
		patience func(i int) time.Duration
		ops      int
	}{
		{"by the clock", always(time.Millisecond), 1},
		{"by their number", always(time.Hour), 256},
		{"the last one's", func(i int) time.Duration { return []time.Duration{time.Hour, time.Minute, time.Millisecond}[i] }, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			var seen [][]string
			in := newInbox(c.ops)
			p := start(t, async.Options{Driver: groups(&seen), Deliver: in.deliver})
			for i := range c.ops {
				submit(t, p, waiting(c.patience(i), put(fmt.Sprint("owner", i), "k", "v")), 0, uint32(i+1))
			}
			<-in.all
			closePump(t, p)
			if len(seen) != 1 || len(seen[0]) != c.ops {
				t.Errorf("commits %v, want one of %d", seen, c.ops)
			}
		})
	}
}

// TestPatientKeepsOrder: behind a read, what may wait does not let the Apply that
// follows it pass, and that does not make it late.
func TestPatientKeepsOrder(t *testing.T) {
	gate := storagetest.NewGate()
	driver := storagetest.NewFaulty(memory.New(memory.Options{}), storagetest.Faults{Read: func(op *storage.Op) error {
		if string(op.Key) == "held" {
			gate.Wait()
		}
		return nil
	}})
	in := newInbox(4)
	p := start(t, async.Options{Driver: driver, Deliver: in.deliver})
	submit(t, p, get("alice", "held"), 0, 1)
	gate.Arrived()
	submit(t, p, patiently(put("alice", "k", "1")), 0, 2)
	submit(t, p, put("alice", "k", "2"), 0, 3)
	submit(t, p, get("alice", "k"), 0, 4)
	gate.Pass()
	<-in.all
	closePump(t, p)
	last := in.byLoop[0][3]
	if last.Token.Serial != 4 || string(last.Items[0].Value) != "2" {
		t.Errorf("the last answer is %+v, want 2", last)
	}
}
