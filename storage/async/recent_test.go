package async_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/async"
	"github.com/xylem-im/xylem/storage/memory"
	"github.com/xylem-im/xylem/storage/storagetest"
)

// recalled is what the pump remembers of an owner's key: "?" when nothing.
func recalled(p *async.Pump, owner, key string) string {
	op := get(owner, key)
	op.Token = storage.Token{Loop: 3, Serial: 7}
	switch res, ok := p.Recall(op); {
	case !ok:
		return "?"
	case res.Token != op.Token:
		return fmt.Sprintf("token %+v", res.Token)
	case errors.Is(res.Err, storage.ErrNotFound):
		return "absent"
	case res.Err != nil:
		return res.Err.Error()
	default:
		return string(res.Items[0].Value)
	}
}

// in has what put changes lie in another collection.
func in(collection string, op *storage.Op) *storage.Op {
	for i := range op.Batch.Steps {
		op.Batch.Steps[i].Collection = collection
	}
	return op
}

// TestRecall: what was read is known, until it is changed.
func TestRecall(t *testing.T) {
	removal := &storage.Op{Kind: storage.Apply, Owner: "alice"}
	removal.Batch.DeleteRange("c", nil, nil)
	failing := put("alice", "k", "other")
	failing.Batch.CheckAbsent("c", []byte("k"))
	for _, c := range []struct {
		name string
		ops  []*storage.Op
		want string
	}{
		{"never read", []*storage.Op{put("alice", "k", "v")}, "?"},
		{"read", []*storage.Op{put("alice", "k", "v"), get("alice", "k")}, "v"},
		{"nothing there", []*storage.Op{get("alice", "k")}, "absent"},
		{"changed since", []*storage.Op{put("alice", "k", "v"), get("alice", "k"), put("alice", "k", "w")}, "?"},
		{"made since", []*storage.Op{get("alice", "k"), put("alice", "k", "w")}, "?"},
		{"removed since", []*storage.Op{put("alice", "k", "v"), get("alice", "k"), removal}, "?"},
		{"a change that failed", []*storage.Op{put("alice", "k", "v"), get("alice", "k"), failing}, "?"},
		{"read again", []*storage.Op{get("alice", "k"), put("alice", "k", "w"), get("alice", "k")}, "w"},
		{"another collection changed", []*storage.Op{put("alice", "k", "v"), get("alice", "k"), in("d", put("alice", "k", "w"))}, "v"},
		{"another owner changed", []*storage.Op{put("alice", "k", "v"), get("alice", "k"), put("bob", "k", "w")}, "v"},
		{"another key read", []*storage.Op{put("alice", "k", "v"), get("alice", "k"), get("alice", "l")}, "?"},
		{"too large", []*storage.Op{put("alice", "k", strings.Repeat("v", 1024)), get("alice", "k")}, "?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := start(t, async.Options{Driver: memory.New(memory.Options{}), Deliver: newInbox(0).deliver, Recent: "c"})
			defer closePump(t, p)
			for _, op := range c.ops {
				p.Do(t.Context(), op)
			}
			settled(t, p)
			if got := recalled(p, "alice", "k"); got != c.want {
				t.Errorf("recalled %q, want %q", got, c.want)
			}
		})
	}
}

// settled waits until the pump has let go of what was asked before: it remembers
// only then, behind the answer.
func settled(t *testing.T, p *async.Pump) {
	t.Helper()
	p.Do(t.Context(), in("d", put("alice", "k", "last"))) // runs behind alice's reads
}

// TestRecallIsOff without Options.Recent.
func TestRecallIsOff(t *testing.T) {
	p := start(t, async.Options{Driver: memory.New(memory.Options{}), Deliver: newInbox(0).deliver})
	defer closePump(t, p)
	p.Do(t.Context(), put("alice", "k", "v"))
	p.Do(t.Context(), get("alice", "k"))
	settled(t, p)
	if got := recalled(p, "alice", "k"); got != "?" {
		t.Errorf("recalled %q", got)
	}
}

// TestRecallBesideAnApply: a read that an Apply waits for is not remembered, as it
// would hide that.
func TestRecallBesideAnApply(t *testing.T) {
	gate := storagetest.NewGate()
	driver := storagetest.NewFaulty(memory.New(memory.Options{}), storagetest.Faults{Read: func(op *storage.Op) error {
		if string(op.Key) == "k" {
			gate.Wait()
		}
		return nil
	}})
	in := newInbox(2)
	p := start(t, async.Options{Driver: driver, Deliver: in.deliver, Recent: "c"})
	defer closePump(t, p)
	submit(t, p, get("alice", "k"), 0, 1)
	gate.Arrived()
	submit(t, p, put("alice", "k", "v"), 0, 2)
	gate.Pass()
	<-in.all
	settled(t, p)
	if got := recalled(p, "alice", "k"); got != "?" {
		t.Errorf("recalled %q, want nothing: the account was made since", got)
	}
}

// TestRecallForgets the owners that were asked for the longest ago, and only those.
func TestRecallForgets(t *testing.T) {
	const most = 4
	p := start(t, async.Options{Driver: memory.New(memory.Options{}), Deliver: newInbox(0).deliver, Recent: "c", RecentOwners: most})
	defer closePump(t, p)
	read := func(owner string) {
		p.Do(t.Context(), get(owner, "k"))
		p.Do(t.Context(), in("d", put(owner, "k", "v"))) // see settled
	}
	read("alice")
	for i := range 3 * most {
		read(fmt.Sprint("owner", i))
		if got := recalled(p, "alice", "k"); got != "absent" { // asked for each time
			t.Fatalf("after %d others: %q", i+1, got)
		}
	}
	known := 0
	for i := range 3 * most {
		if recalled(p, fmt.Sprint("owner", i), "k") != "?" {
			known++
		}
	}
	if known < most-1 || known > 2*most {
		t.Errorf("%d of %d are remembered, want %d to %d", known, 3*most, most-1, 2*most)
	}
	if got := recalled(p, "owner0", "k"); got != "?" {
		t.Errorf("the first: %q", got)
	}
}
