package s2s

// Record is what an operator can know of a remote domain. All times are Unix
// nanoseconds, 0 for never.
type Record struct {
	Domain string
	State  State
	// Steps of the last attempt to reach the domain, or of the one under way: what
	// was asked and answered, as it happened.
	Steps []Step
	// LastError is why the last attempt, or the last stream, ended: a sentence. ""
	// when nothing has failed. Remedy is what to do, where LastError does not say it
	// and there is something.
	LastError string
	Remedy    string
	ErrorAt   int64
	Failures  int   // attempts since the last that succeeded
	NextTry   int64 // before that no attempt is made

	Queued, QueuedBytes int // stanzas that wait for a stream
	Streams             []StreamRecord
}

// Step is one line of the story of an attempt.
type Step struct {
	At   int64
	Text string
}

// StreamRecord is one stream with the domain.
type StreamRecord struct {
	Ref      Ref
	Outgoing bool
	Address  string // of the peer
	Since    int64
	Security string   // "TLS 1.3, TLS_AES_128_GCM_SHA256"
	Verdict  string   // on the peer's certificate: "" when it proves the domain
	Sends    []Proved // our domains that may speak to it here
	Receives []Proved // our domains that it may speak to here
}

// Proved is one of our domains and how the side that speaks was proved.
type Proved struct {
	Local  string
	Method string
}

// State is how it stands with a remote domain.
type State uint8

// The states.
const (
	Idle       State = iota // no stream, and none is wanted
	Connecting              // an attempt is under way
	Connected               // stanzas can be sent
	Receiving               // the domain has a stream to us, and we have none to it
	BackingOff              // the last attempt failed, and the next one waits
	Refusing                // so many attempts failed that stanzas are returned at once until the next one
)

// String is the state in words.
func (s State) String() string {
	return [States]string{"idle", "connecting", "connected", "receiving", "backing off", "unreachable"}[s]
}

// Counts are figures of many remote domains.
type Counts struct {
	Domains            [States]int // by State
	Incoming, Outgoing int         // streams
	Queued             int         // stanzas that wait for a stream
	QueuedBytes        int
}

// Add adds other to c.
func (c *Counts) Add(other *Counts) {
	for i, n := range other.Domains {
		c.Domains[i] += n
	}
	c.Incoming += other.Incoming
	c.Outgoing += other.Outgoing
	c.Queued += other.Queued
	c.QueuedBytes += other.QueuedBytes
}

// States is the number of states.
const States = 6

// maxSteps bounds a story; what comes later is not told.
const maxSteps = 64
