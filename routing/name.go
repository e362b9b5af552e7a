package routing

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"unsafe"
)

// isShort tells whether a name is of 4 to 16 bytes, as most are: its ends are all
// of it. It is hashed and compared by them without a call or a loop, which are most
// of what a look-up costs when nothing is missing in the cache.
func isShort(name string) bool { return uint(len(name)-4) <= 12 }

// ends are the first and the last bytes of a short name of n bytes at p; they may overlap.
func ends(p unsafe.Pointer, n int) (first, last uint64) {
	if n >= 8 {
		return word(p), word(unsafe.Add(p, n-8))
	}
	return half(p), half(unsafe.Add(p, n-4))
}

// hasEnds tells whether the short name of n bytes at p is the one with these ends.
func hasEnds(p unsafe.Pointer, n int, first, last uint64) bool {
	f, l := ends(p, n)
	return f == first && l == last
}

func word(p unsafe.Pointer) uint64 { return binary.LittleEndian.Uint64((*[8]byte)(p)[:]) }
func half(p unsafe.Pointer) uint64 { return uint64(binary.LittleEndian.Uint32((*[4]byte)(p)[:])) }

func address(name string) unsafe.Pointer { return unsafe.Pointer(unsafe.StringData(name)) }

// seed makes the hashes of a domain its own: localparts are chosen by strangers.
type seed struct {
	first, last uint64
	other       maphash.Seed
}

func newSeed() seed {
	s := maphash.MakeSeed()
	return seed{first: maphash.String(s, "first"), last: maphash.String(s, "last"), other: s}
}

// hash is that of a localpart.
func (s *seed) hash(local string) uint64 {
	if isShort(local) {
		first, last := ends(address(local), len(local))
		return s.ofEnds(first, last, len(local))
	}
	return maphash.String(s.other, local)
}

// ofEnds hashes a short name of n bytes: both halves of a product with secret
// numbers, as Go does where the processor has no AES (wyhash): 8 instructions, where
// maphash.String has some 70.
func (s *seed) ofEnds(first, last uint64, n int) uint64 {
	high, low := bits.Mul64(first^s.first, last^s.last+uint64(n))
	return high ^ low
}
