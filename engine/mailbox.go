package engine

import "github.com/xylem-im/xylem/routing"

// A routing.Mailbox of this engine packs loop, slot and generation. The
// generation tells a connection from later ones in the same slot, so that
// what was on its way to a closed session never reaches another user.
const (
	generationBits = 24
	slotBits       = 28
	slotMask       = 1<<slotBits - 1
	generationMask = 1<<generationBits - 1
)

func mailboxOf(loop, slot, generation uint32) routing.Mailbox {
	return routing.Mailbox(uint64(loop)<<(slotBits+generationBits) |
		uint64(slot&slotMask)<<generationBits | uint64(generation&generationMask))
}

func mailboxLoop(mb routing.Mailbox) uint32 { return uint32(mb >> (slotBits + generationBits)) }
func mailboxSlot(mb routing.Mailbox) uint32 { return uint32(mb>>generationBits) & slotMask }
func mailboxGeneration(mb routing.Mailbox) uint32 {
	return uint32(mb) & generationMask
}

// slots is the loop's table of connections. Loop only.
type slots struct {
	table []slot
	free  []uint32
	open  int
}

type slot struct {
	conn       *conn
	generation uint32
}

// add enters c and returns its slot and generation; generations begin at 1,
// so no mailbox is 0.
func (s *slots) add(c *conn) (index, generation uint32) {
	if n := len(s.free); n > 0 {
		index = s.free[n-1]
		s.free = s.free[:n-1]
	} else {
		index = uint32(len(s.table))
		s.table = append(s.table, slot{})
	}
	e := &s.table[index]
	e.generation = (e.generation + 1) & generationMask
	if e.generation == 0 {
		e.generation = 1
	}
	e.conn = c
	s.open++
	return index, e.generation
}

func (s *slots) remove(index uint32) {
	s.table[index].conn = nil
	s.free = append(s.free, index)
	s.open--
}

// touch reads what find will, which may be nothing.
func (s *slots) touch(mb routing.Mailbox) byte {
	if index := mailboxSlot(mb); int(index) < len(s.table) {
		return byte(s.table[index].generation)
	}
	return 0
}

// find is nil when the connection of mb has gone.
func (s *slots) find(mb routing.Mailbox) *conn {
	index := mailboxSlot(mb)
	if int(index) >= len(s.table) || s.table[index].generation != mailboxGeneration(mb) {
		return nil
	}
	return s.table[index].conn
}
