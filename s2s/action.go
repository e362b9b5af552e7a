package s2s

import "github.com/xylem-im/xylem/stanza"

// Ref names a stream to a Remote: the engine's mailbox of its connection.
type Ref uint64

// Actions lists what the engine must do after a door of a Remote was used, in
// order. One serves all remotes of a loop.
type Actions struct{ List []Action }

// Reset empties the list.
func (a *Actions) Reset() {
	clear(a.List)
	a.List = a.List[:0]
}

func (a *Actions) add(x Action) { a.List = append(a.List, x) }

// Action is one of these. Unless said otherwise it concerns the stream Ref and
// is handed over to the loop of that.
type Action struct {
	Kind    ActionKind
	Ref     Ref
	Pair    Pair
	Targets []Target // ActionDial: at least one, not to be changed
	Asks    bool     // ActionDial: for dialback questions only, see Stream.Connect
	Stanza  []byte   // ActionDeliver, ActionBounce; the engine's from now on
	Receipt          // of Stanza
	Error   stanza.Error
	Verify  Verify
	Result  Verdict
	Err     error
}

// ActionKind says what an Action is.
type ActionKind uint8

// The actions.
const (
	// ActionFind: look for the servers of the remote domain; answer with Found.
	ActionFind ActionKind = iota
	// ActionDial: connect to one of Targets, the first if it answers, and begin a stream for Pair; answer with Dialed.
	ActionDial
	// ActionDeliver: Stream.Deliver of Stanza.
	ActionDeliver
	// ActionRequest: Stream.Request of Pair; answer with Refused if that is false.
	ActionRequest
	// ActionAsk: Stream.Ask of Verify.
	ActionAsk
	// ActionAnswer: Stream.Verified of the stream that asked.
	ActionAnswer
	// ActionSettle: answer with Settled, behind all that the loop of Ref has sent
	// back.
	ActionSettle
	// ActionBounce: answer Stanza to its sender with Error.
	ActionBounce
	// ActionEnd: Stream.End because of Err.
	ActionEnd
)
