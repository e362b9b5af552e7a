package session

import "encoding/binary"

// AckQueue is the stanzas that were sent and not acknowledged (XEP-0198 §4), in
// their order. Their bytes lie one after the other in pieces of memory without
// pointers, which are lent by the loop's AckStores while there are any: an idle
// stream holds none. The zero value is empty and has counted nothing. Loop only.
type AckQueue struct {
	acked uint64 // stanzas acknowledged since <enable/>
	*ackStore
}

// AckStores is the free memory of the AckQueues of one loop. The zero value is
// ready.
type AckStores struct {
	free  []*ackStore
	small []*ackPiece
	large []*ackPiece
}

// ackStore is what an AckQueue borrows.
type ackStore struct {
	first, last *ackPiece // of data; nil: there is none
	count       int       // stanzas held
	bytes       int       // of them
	asked       int64
}

// ackPiece is a part of a queue's memory. A stanza lies in one piece, behind its
// ackItem, so nothing is moved while a queue grows or what has been acknowledged goes.
type ackPiece struct {
	next, prev *ackPiece
	data       []byte
	done       int // bytes of data that were acknowledged
	count      int // stanzas behind them
}

// ackItem is what stands before a stanza.
type ackItem struct {
	at   int64
	size uint32
	tag  uint32
}

const (
	ackItemBytes = 16
	// The first piece of a queue is small, as most hold little and not for long.
	// What is larger than a large one gets a piece of its own.
	smallPiece = 512
	largePiece = 2 << 10
	// maxStores and maxPieces, of each size, bound the free memory that a loop keeps.
	maxStores = 64
	maxPieces = 512
)

// Count is the number of stanzas held.
func (u *AckQueue) Count() int {
	if u.ackStore == nil {
		return 0
	}
	return u.count
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
	p := u.last
	if need := ackItemBytes + len(st); p == nil || cap(p.data)-len(p.data) < need {
		p = stores.piece(need, p == nil)
		if u.last == nil {
			u.first = p
		} else {
			u.last.next, p.prev = p, u.last
		}
		u.last = p
	}
	p.put(ackItem{at, uint32(len(st)), tag}, st)
	u.count++
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
	if u.acked += uint64(n); int(n) == u.Count() {
		u.give(stores)
		return true
	}
	for range n {
		p := u.first
		size := int(p.item(p.done).size)
		u.bytes -= size
		u.count--
		p.count--
		if p.done += ackItemBytes + size; p.count == 0 {
			u.first = p.next // there is one, as more is held
			u.first.prev = nil
			stores.putPiece(p)
		}
	}
	return true
}

// Release gives the buffer back. What was sent counts as acknowledged.
func (u *AckQueue) Release(stores *AckStores) {
	if u.ackStore == nil {
		return
	}
	u.acked += uint64(u.Count())
	u.give(stores)
}

// give is Release, without counting.
func (u *AckQueue) give(stores *AckStores) {
	if u.ackStore == nil {
		return
	}
	for p := u.first; p != nil; {
		next := p.next
		stores.putPiece(p)
		p = next
	}
	stores.put(u.ackStore)
	u.ackStore = nil
}

// All calls yield for each stanza held, oldest first, with what Add was given.
// st is valid until the queue changes.
func (u *AckQueue) All(yield func(at int64, st []byte, tag uint32) bool) {
	u.After(u.acked, yield)
}

// After is All without the first n stanzas ever added; st is lent as there. It takes no longer for those
// before them, so that who looks at what is new may do so each time.
func (u *AckQueue) After(n uint64, yield func(at int64, st []byte, tag uint32) bool) {
	if u.ackStore == nil || n >= u.Sent() {
		return
	}
	n = max(n, u.acked)
	p, before := u.last, u.Sent()-uint64(u.last.count) // stanzas added before those of p
	for before > n {
		p = p.prev
		before -= uint64(p.count)
	}
	for ; p != nil; p = p.next {
		for at := p.done; at < len(p.data); before++ {
			item := p.item(at)
			from := at + ackItemBytes
			at = from + int(item.size)
			if before >= n && !yield(item.at, p.data[from:at:at], item.tag) {
				return
			}
		}
	}
}

// put appends a stanza; there is room.
func (p *ackPiece) put(item ackItem, st []byte) {
	b := binary.NativeEndian.AppendUint64(p.data, uint64(item.at))
	b = binary.NativeEndian.AppendUint32(b, item.size)
	b = binary.NativeEndian.AppendUint32(b, item.tag)
	p.data = append(b, st...)
	p.count++
}

// item is what stands at an index of data.
func (p *ackPiece) item(at int) ackItem {
	b := p.data[at : at+ackItemBytes]
	return ackItem{int64(binary.NativeEndian.Uint64(b)), binary.NativeEndian.Uint32(b[8:]), binary.NativeEndian.Uint32(b[12:])}
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
	if len(a.free) < maxStores {
		*st = ackStore{}
		a.free = append(a.free, st)
	}
}

// piece is memory for so many bytes, and usually some more.
func (a *AckStores) piece(need int, first bool) *ackPiece {
	size, free := largePiece, &a.large
	switch {
	case need > largePiece:
		return &ackPiece{data: make([]byte, 0, need)}
	case first && need <= smallPiece:
		size, free = smallPiece, &a.small
	}
	n := len(*free)
	if n == 0 {
		return &ackPiece{data: make([]byte, 0, size)}
	}
	p := (*free)[n-1]
	(*free)[n-1] = nil
	*free = (*free)[:n-1]
	return p
}

// putPiece takes a piece back.
func (a *AckStores) putPiece(p *ackPiece) {
	free := &a.large
	switch cap(p.data) {
	case largePiece:
	case smallPiece:
		free = &a.small
	default:
		return
	}
	if len(*free) < maxPieces {
		*p = ackPiece{data: p.data[:0]}
		*free = append(*free, p)
	}
}
