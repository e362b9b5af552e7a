package session

// Delivery says what else is known of a stanza that is given to Deliver.
type Delivery uint8

// The deliveries. Alone is the usual one.
const (
	// Alone: no other session got the stanza, and nobody keeps it.
	Alone Delivery = iota
	// Copied: other sessions of the account got it as well.
	Copied
	// Kept: who gave it keeps it until it was acknowledged.
	Kept
	// KeptLast: the same, and the client is to be asked for that now.
	KeptLast
)

// Unacked is a stanza that the client has not acknowledged.
type Unacked struct {
	Stanza   []byte // as it was sent; lent by the session
	At       int64  // when it was given to the session, Unix nanoseconds
	Delivery Delivery
}

// unacked are the stanzas that were sent and not acknowledged, in their order.
// Their bytes lie one after the other in one buffer, which is lent by the
// loop's Out while there are any: an idle session holds none.
type unacked struct {
	acked uint64 // stanzas acknowledged since <enable/>; items[head] is the next one
	bytes int    // of the stanzas held
	*unackedStore
}

// unackedStore is what an unacked borrows.
type unackedStore struct {
	data  []byte
	done  int // bytes of data that were acknowledged
	items []unackedItem
	head  int // items that were acknowledged
}

type unackedItem struct {
	at       int64
	size     uint32
	delivery Delivery
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

// count is the number of stanzas held.
func (u *unacked) count() int {
	if u.unackedStore == nil {
		return 0
	}
	return len(u.items) - u.head
}

// sent is the number of stanzas sent since <enable/>.
func (u *unacked) sent() uint64 { return u.acked + uint64(u.count()) }

// add copies a stanza to the end.
func (u *unacked) add(at int64, st []byte, how Delivery, out *Out) {
	if u.unackedStore == nil {
		u.unackedStore = out.takeStore()
	}
	u.data = append(u.data, st...)
	u.items = append(u.items, unackedItem{at, uint32(len(st)), how})
	u.bytes += len(st)
}

// ack takes h as the peer counts it, modulo 2^32; false when that is more than
// was sent.
func (u *unacked) ack(h uint32, out *Out) bool {
	n := h - uint32(u.acked)
	if uint64(n) > uint64(u.count()) {
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
	case u.count() == 0:
		u.release(out)
	case u.done > compactAt && u.done > len(u.data)/2:
		u.data = u.data[:copy(u.data, u.data[u.done:])]
		u.items = u.items[:copy(u.items, u.items[u.head:])]
		u.done, u.head = 0, 0
	}
	return true
}

// release gives the buffer back. What was sent counts as acknowledged.
func (u *unacked) release(out *Out) {
	if u.unackedStore == nil {
		return
	}
	u.acked += uint64(u.count())
	out.freeStore(u.unackedStore)
	u.unackedStore, u.bytes = nil, 0
}

// all calls yield for each stanza, oldest first.
func (u *unacked) all(yield func(Unacked) bool) {
	if u.unackedStore == nil {
		return
	}
	at := u.done
	for _, item := range u.items[u.head:] {
		end := at + int(item.size)
		if !yield(Unacked{u.data[at:end:end], item.at, item.delivery}) {
			return
		}
		at = end
	}
}

func (o *Out) takeStore() *unackedStore {
	n := len(o.stores)
	if n == 0 {
		return &unackedStore{}
	}
	st := o.stores[n-1]
	o.stores[n-1] = nil
	o.stores = o.stores[:n-1]
	return st
}

func (o *Out) freeStore(st *unackedStore) {
	if len(o.stores) == maxStores || cap(st.data) > maxStoreBytes {
		return
	}
	*st = unackedStore{data: st.data[:0], items: st.items[:0]}
	o.stores = append(o.stores, st)
}
