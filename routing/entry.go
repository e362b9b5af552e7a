package routing

// Mailbox is an opaque handle of a session that the engine gives; 0 is none.
type Mailbox uint64

// Flags are marks that a session carries in the table so that others can
// select it without asking it. The delivery rules do not look at them.
type Flags uint16

const (
	// FlagInterested marks a resource that asked for the roster and gets its
	// pushes, RFC 6121 §2.2.
	FlagInterested Flags = 1 << iota
	// FlagCarbons marks a resource that gets copies of its account's
	// messages, XEP-0280.
	FlagCarbons
)

// FlagSeveral marks each session of an account that has several. The table itself sets
// and clears it, together with what makes it true.
const FlagSeveral Flags = 1 << 15

// Entry is one bound resource of an account. It is a value that never changes,
// and may be older than the table.
type Entry struct {
	Resource string  // prepared resourcepart, never empty
	Mailbox  Mailbox // the session, never 0
	Marks
}

// Marks is what changes of a bound resource. It is a type of its own as the compiler
// keeps a struct of up to four fields in registers.
type Marks struct {
	Flags     Flags
	Available bool // has sent initial presence, RFC 6121 §4.2
	Priority  int8 // of its presence, RFC 6121 §4.7.2.3; 0 unless available
}

// pack is the marks in 32 bits: flags, priority and whether it is available.
func (m Marks) pack() uint32 {
	p := uint32(m.Flags)<<16 | uint32(uint8(m.Priority))<<8
	if m.Available {
		p |= 1
	}
	return p
}

// unpack is the reverse of pack.
func unpack(p uint32) Marks {
	return Marks{Flags: Flags(p >> 16), Priority: int8(uint8(p >> 8)), Available: p&1 != 0}
}
