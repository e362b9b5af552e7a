package async

import (
	"bytes"
	"errors"
	"slices"

	"github.com/xylem-im/xylem/storage"
)

// recent remembers what the last Gets of one collection have found, and what they
// have not: whoever asks twice must not be told apart by that. What is old is
// forgotten by halves.
type recent struct {
	collection string // "": nothing is remembered
	most       int    // owners in each half
	young, old map[string]memory
}

// memory is the answer to the last Get of an owner.
type memory struct {
	key, value []byte
	absent     bool
}

// recentBytes bounds a key and its value that are remembered.
const recentBytes = 1 << 10

// Recall answers a Get of Options.Recent if it was made a short time ago, with all
// Applies in it that were submitted since. It waits for nothing but a short critical
// section. The result belongs to the caller; ok is false when the store must be asked.
func (p *Pump) Recall(op *storage.Op) (res storage.Result, ok bool) {
	if !p.recent.keeps(op) {
		return res, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	m, ok := p.recent.find(op.Owner)
	if !ok || !bytes.Equal(m.key, op.Key) {
		return res, false
	}
	res.Token = op.Token
	if m.absent {
		res.Err = storage.ErrNotFound
	} else {
		res.Items = []storage.Item{{Key: slices.Clone(m.key), Value: slices.Clone(m.value)}}
	}
	return res, true
}

func (r *recent) keeps(op *storage.Op) bool {
	return r.collection != "" && op.Kind == storage.Get && op.Collection == r.collection
}

// find looks an owner up, who is young again by that. mu is held.
func (r *recent) find(owner string) (m memory, ok bool) {
	if m, ok = r.young[owner]; ok {
		return m, true
	}
	if m, ok = r.old[owner]; ok {
		delete(r.old, owner)
		r.put(owner, m)
	}
	return m, ok
}

func (r *recent) put(owner string, m memory) {
	if len(r.young) >= r.most {
		r.young, r.old = nil, r.young
	}
	if r.young == nil {
		r.young = make(map[string]memory)
	}
	r.young[owner] = m
}

// changed forgets what an Apply is about to change. mu is held.
func (r *recent) changed(op *storage.Op) {
	if r.collection == "" {
		return
	}
	for i := range op.Batch.Steps {
		if op.Batch.Steps[i].Collection == r.collection {
			delete(r.young, op.Owner)
			delete(r.old, op.Owner)
			return
		}
	}
}

// learned is what there is to remember of a result, copied, as that belongs to its
// receiver.
func (r *recent) learned(op *storage.Op, res *storage.Result) (m memory, ok bool) {
	switch {
	case !r.keeps(op):
		return m, false
	case errors.Is(res.Err, storage.ErrNotFound):
		m = memory{key: slices.Clone(op.Key), absent: true}
	case res.Err == nil && len(res.Items) == 1:
		m = memory{key: slices.Clone(op.Key), value: slices.Clone(res.Items[0].Value)}
	default:
		return m, false
	}
	return m, len(m.key)+len(m.value) <= recentBytes
}

// remember takes what a read has found, unless an Apply came meanwhile, which waits
// for the read. mu is held.
func (r *recent) remember(q *request, m memory) {
	if q.lane.waiting.empty() {
		delete(r.old, q.op.Owner)
		r.put(q.op.Owner, m)
	}
}
