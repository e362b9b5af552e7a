package storagetest

import (
	"math/rand/v2"

	"github.com/xylem-im/xylem/storage"
)

// Faults says how a Faulty driver misbehaves. All fields may be nil. The
// functions are called by several goroutines at a time; they may block, which
// delays what they are asked about.
type Faults struct {
	// Read is asked before each Read; an error is the result.
	Read func(op *storage.Op) error
	// Apply is asked before each group; an error is the result of all its ops and
	// nothing is applied.
	Apply func(ops []*storage.Op) error
	// Applied is asked after each group was applied; an error replaces the results:
	// the outcome that a caller cannot know, as after a failed fsync.
	Applied func(ops []*storage.Op) error
	// Full is asked once for each group: while it says true, what puts data is ErrFull.
	Full func() bool
	// Shuffle reorders the ops of different owners within a group. Apply is then
	// called by one goroutine at a time.
	Shuffle *rand.Rand
}

// Faulty is a driver that misbehaves in the ways that a driver may.
type Faulty struct {
	storage.Driver
	faults Faults
}

// NewFaulty returns inner with faults.
func NewFaulty(inner storage.Driver, faults Faults) *Faulty {
	return &Faulty{Driver: inner, faults: faults}
}

// Read implements storage.Driver.
func (f *Faulty) Read(op *storage.Op) storage.Result {
	if f.faults.Read != nil {
		if err := f.faults.Read(op); err != nil {
			return storage.Result{Token: op.Token, Err: err}
		}
	}
	return f.Driver.Read(op)
}

// Apply implements storage.Driver.
func (f *Faulty) Apply(ops []*storage.Op, errs []error) {
	if f.faults.Apply != nil {
		if err := f.faults.Apply(ops); err != nil {
			setAll(errs, err)
			return
		}
	}
	f.applySome(ops, errs)
	if f.faults.Applied != nil {
		if err := f.faults.Applied(ops); err != nil {
			setAll(errs, err)
		}
	}
}

// applySome applies what a full store takes, in an order that may be another.
func (f *Faulty) applySome(ops []*storage.Op, errs []error) {
	full := f.faults.Full != nil && f.faults.Full()
	var some []*storage.Op
	var where []int
	for _, i := range f.order(ops) {
		if full && !ops[i].Batch.OnlyRemoves() {
			errs[i] = storage.ErrFull
			continue
		}
		some = append(some, ops[i])
		where = append(where, i)
	}
	someErrs := make([]error, len(some))
	f.Driver.Apply(some, someErrs)
	for i, err := range someErrs {
		errs[where[i]] = err
	}
}

// order returns the indices of ops, shuffled but for each owner's own order.
func (f *Faulty) order(ops []*storage.Op) []int {
	order := make([]int, len(ops))
	for i := range order {
		order[i] = i
	}
	if f.faults.Shuffle == nil {
		return order
	}
	byOwner := make(map[string][]int)
	for i, op := range ops {
		byOwner[op.Owner] = append(byOwner[op.Owner], i)
	}
	f.faults.Shuffle.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	for place, i := range order { // whose turn it is was drawn; which of theirs was not
		mine := byOwner[ops[i].Owner]
		order[place], byOwner[ops[i].Owner] = mine[0], mine[1:]
	}
	return order
}

func setAll(errs []error, err error) {
	for i := range errs {
		errs[i] = err
	}
}

// Gate holds goroutines up until a test lets them pass, one by one, without
// sleeping on either side.
type Gate struct{ arrived, pass chan struct{} }

// NewGate returns a closed gate.
func NewGate() *Gate { return &Gate{make(chan struct{}), make(chan struct{})} }

// Wait is called by who is to be held up.
func (g *Gate) Wait() {
	g.arrived <- struct{}{}
	<-g.pass
}

// Arrived returns when one more goroutine is in Wait.
func (g *Gate) Arrived() { <-g.arrived }

// Pass lets one that has arrived go on.
func (g *Gate) Pass() { g.pass <- struct{}{} }
