package session

import "sort"

// Held is the stanzas of a stream that were received and are not dealt with yet,
// by the numbers of XEP-0198 §4, modulo 2^32: what the peer is told as h stops
// before the first of them, as h says that all up to it are handled. The zero
// value is empty. Loop only.
type Held struct {
	numbers []uint32 // ascending; those before head are over
	head    int

	owed bool   // the peer has asked, and was told less than it had sent
	upTo uint32 // the last stanza that it had sent then
}

// Len is how many there are.
func (h *Held) Len() int { return len(h.numbers) - h.head }

// Add notes a stanza; again does nothing. Nearly always it is the last one.
func (h *Held) Add(number uint32) {
	i, found := h.find(number)
	if found {
		return
	}
	h.numbers = append(h.numbers, 0)
	copy(h.numbers[i+1:], h.numbers[i:])
	h.numbers[i] = number
}

// Has tells whether a stanza is among them.
func (h *Held) Has(number uint32) bool {
	_, found := h.find(number)
	return found
}

// Remove ends that for those from first to last, both included, and tells whether the
// peer is to be told now as it has asked for what ends with this.
func (h *Held) Remove(first, last uint32) (tell bool) {
	i, _ := h.find(first)
	end, found := h.find(last)
	if found {
		end++
	}
	n := end - i
	if n <= 0 {
		return false
	}
	if i-h.head <= (h.Len()-n)/2 { // nearly always: they are the first
		copy(h.numbers[h.head+n:end], h.numbers[h.head:i])
		h.head += n
	} else {
		h.numbers = h.numbers[:i+copy(h.numbers[i:], h.numbers[end:])]
	}
	h.compact()
	if !h.owed || h.Len() > 0 && int32(h.numbers[h.head]-h.upTo) <= 0 {
		return false
	}
	h.owed = false
	return true
}

// Owe notes that the peer was told less than in, the stanzas that it had sent when
// it asked.
func (h *Held) Owe(in uint32) { h.owed, h.upTo = h.Len() > 0, in }

// Forgive forgets what the peer has asked.
func (h *Held) Forgive() { h.owed = false }

// Handled is the number of stanzas that were dealt with, without a gap, of in.
func (h *Held) Handled(in uint32) uint32 {
	if h.Len() > 0 {
		return h.numbers[h.head] - 1
	}
	return in
}

// find is where a number is, or would be.
func (h *Held) find(number uint32) (i int, found bool) {
	n := len(h.numbers)
	if h.Len() == 0 || int32(number-h.numbers[n-1]) > 0 {
		return n, false
	}
	i = h.head + sort.Search(h.Len(), func(k int) bool { return int32(h.numbers[h.head+k]-number) >= 0 })
	return i, h.numbers[i] == number
}

// compact gives up the room of what is over, so that each number is moved once on
// average.
func (h *Held) compact() {
	const least = 64
	if h.Len() == 0 {
		h.numbers, h.head = h.numbers[:0], 0
	} else if h.head > least && h.head > len(h.numbers)/2 {
		h.numbers, h.head = h.numbers[:copy(h.numbers, h.numbers[h.head:])], 0
	}
}
