package tls

// Warmth is the connections of one loop whose keys are in memory because they
// are in use: of those that rest, only the secrets are kept. The zero value is
// ready. Loop only.
type Warmth struct {
	list []*records
	hand int
}

// Len is how many connections have their keys in memory.
func (w *Warmth) Len() int { return len(w.list) }

func (w *Warmth) add(r *records) {
	r.index = int32(len(w.list))
	w.list = append(w.list, r)
}

// drop takes one out and forgets its keys.
func (w *Warmth) drop(r *records) {
	last := len(w.list) - 1
	moved := w.list[last]
	w.list[r.index], moved.index = moved, r.index
	w.list[last] = nil
	w.list = w.list[:last]
	r.index = -1
	r.in.keys, r.out.keys = nil, nil
}

// Cool looks at one in rounds of the connections, and forgets the keys of those
// that were not used since it looked at them last. Called at an even pace, it
// lets a connection rest after one to two times rounds calls.
func (w *Warmth) Cool(rounds int) {
	n := (len(w.list) + rounds - 1) / rounds
	for range n {
		if len(w.list) == 0 {
			break
		}
		if w.hand >= len(w.list) {
			w.hand = 0
		}
		r := w.list[w.hand]
		if !r.used {
			w.drop(r) // another one has come to its place
			continue
		}
		r.used = false
		w.hand++
	}
	if cap(w.list) > 1024 && len(w.list) < cap(w.list)/4 {
		w.list = append(make([]*records, 0, 2*len(w.list)), w.list...)
	}
}

// KeepIn has the keys of f kept by w, the loop that f belongs to from now on,
// while they are in use. To be called again when f moves to another loop, after
// [Filter.Rest] on the old one.
func (f *Filter) KeepIn(w *Warmth) {
	if r := f.records; r != nil {
		r.warmth = w
	}
}

// Rest forgets the keys that are not needed until the next record, and leaves
// the loop's Warmth. Loop only.
func (f *Filter) Rest() {
	r := f.records
	if r == nil {
		return
	}
	if r.index >= 0 {
		r.warmth.drop(r)
	}
	r.in.keys, r.out.keys = nil, nil
	r.warmth = nil
}
