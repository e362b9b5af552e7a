package session

// AckQueue is the stanzas that were sent and not acknowledged (XEP-0198 §4), in
// their order. Their bytes lie one after the other in one buffer, which is lent
// by the loop's AckStores while there are any: an idle stream holds none. The
// zero value is empty and has counted nothing. Loop only.
type AckQueue struct {
	acked uint64 // stanzas acknowledged since <enable/>; items[head] is the next one
	*ackStore
}

// AckStores is the free memory of the AckQueues of one loop. The zero value is
// ready.
type AckStores struct{ free []*ackStore }

// ackStore is what an AckQueue borrows.
type ackStore struct {
	data  []byte
	done  int // bytes of data that were acknowledged
	bytes int // of the stanzas held
	asked int64
	items []ackItem
	head  int // items that were acknowledged
}

type ackItem struct {
	at   int64
	size uint32
	tag  uint32
}

const (
	// maxStores bounds the empty stores that a loop keeps.
	maxStores = 64
	// maxStoreBytes bounds what such a store may hold on to.
	maxStoreBytes = 64 << 10
	// compactAt is the number of acknowledged bytes from which they are removed
	// once they are more than half: so each byte is moved once on average.
	compactAt = 4 << 10
)

// Count is the number of stanzas held.
func (u *AckQueue) Count() int {
	if u.ackStore == nil {
		return 0
	}
	return len(u.items) - u.head
}

// Bytes is the size of the stanzas held.
func (u *AckQueue) Bytes() int {
	if u.ackStore == nil {
		return 0
	}
	return u.bytes
}

// Ask notes when the peer was asked to acknowledge; AskedAt is that time, 0 when
// nothing is held.
func (u *AckQueue) Ask(now int64) {
	if u.ackStore != nil {
		u.asked = now
	}
}

// AskedAt is what Ask was given for what is held.
func (u *AckQueue) AskedAt() int64 {
	if u.ackStore == nil {
		return 0
	}
	return u.asked
}

// Sent is the number of stanzas ever added.
func (u *AckQueue) Sent() uint64 { return u.acked + uint64(u.Count()) }

// Acked is how many of them were acknowledged.
func (u *AckQueue) Acked() uint64 { return u.acked }

// Add copies a stanza to the end. at and tag are the caller's, see All.
func (u *AckQueue) Add(at int64, st []byte, tag uint32, stores *AckStores) {
	if u.ackStore == nil {
		u.ackStore = stores.take()
	}
	u.data = append(u.data, st...)
	u.items = append(u.items, ackItem{at, uint32(len(st)), tag})
	u.bytes += len(st)
}

// Behind tells whether h, modulo 2^32, is less than was acknowledged before.
func (u *AckQueue) Behind(h uint32) bool {
	by := uint32(u.acked) - h
	return by != 0 && by < 1<<31 && uint64(by) <= u.acked
}

// Ack takes h as the peer counts it, modulo 2^32; false when that is more than
// was sent. One that is Behind says nothing new.
func (u *AckQueue) Ack(h uint32, stores *AckStores) bool {
	if u.Behind(h) {
		return true
	}
	n := h - uint32(u.acked)
	if uint64(n) > uint64(u.Count()) {
		return false
	}
	for range n {
		size := int(u.items[u.head].size)
		u.head++
		u.done += size
		u.bytes -= size
	}
	u.acked += uint64(n)
	switch {
	case u.Count() == 0:
		u.Release(stores)
	case u.done > compactAt && u.done > len(u.data)/2:
		u.data = u.data[:copy(u.data, u.data[u.done:])]
		u.items = u.items[:copy(u.items, u.items[u.head:])]
		u.done, u.head = 0, 0
	}
	return true
}

// Release gives the buffer back. What was sent counts as acknowledged.
func (u *AckQueue) Release(stores *AckStores) {
	if u.ackStore == nil {
		return
	}
	u.acked += uint64(u.Count())
	stores.put(u.ackStore)
	u.ackStore = nil
}

// All calls yield for each stanza held, oldest first, with what Add was given.
// st is valid until the queue changes.
func (u *AckQueue) All(yield func(at int64, st []byte, tag uint32) bool) {
	if u.ackStore == nil {
		return
	}
	from := u.done
	for _, item := range u.items[u.head:] {
		end := from + int(item.size)
		if !yield(item.at, u.data[from:end:end], item.tag) {
			return
		}
		from = end
	}
}

func (a *AckStores) take() *ackStore {
	n := len(a.free)
	if n == 0 {
		return &ackStore{}
	}
	st := a.free[n-1]
	a.free[n-1] = nil
	a.free = a.free[:n-1]
	return st
}

func (a *AckStores) put(st *ackStore) {
	if len(a.free) == maxStores || cap(st.data) > maxStoreBytes {
		return
	}
	*st = ackStore{data: st.data[:0], items: st.items[:0]}
	a.free = append(a.free, st)
}
