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

// Entry is one bound resource of an account. It is a value that never changes,
// and may be older than the table.
type Entry struct {
	Resource  string  // prepared resourcepart, never empty
	Mailbox   Mailbox // the session, never 0
	Flags     Flags
	Available bool // has sent initial presence, RFC 6121 §4.2
	Priority  int8 // of its presence, RFC 6121 §4.7.2.3; 0 unless available
}

// marks is what changes of a bound entry, in 32 bits: flags, priority and
// whether it is available.
func (e *Entry) marks() uint32 {
	m := uint32(e.Flags)<<16 | uint32(uint8(e.Priority))<<8
	if e.Available {
		m |= 1
	}
	return m
}

// setMarks is the reverse of marks.
func (e *Entry) setMarks(m uint32) {
	e.Flags, e.Priority, e.Available = Flags(m>>16), int8(uint8(m>>8)), m&1 != 0
}
