package storage

// Batch is a change to the collections of one owner. All Checks are made
// against the state before the batch; if one fails the result is ErrConflict and
// nothing is changed. Then the Steps are made in order. The zero value is empty
// and ready for use.
type Batch struct {
	Checks []Check
	Steps  []Step
}

// Expectation is what a Check demands.
type Expectation uint8

// Expectations.
const (
	// ExpectValue demands that the key is present with exactly the Value.
	ExpectValue Expectation = iota
	// ExpectAbsent demands that the key is absent.
	ExpectAbsent
	// ExpectPresent demands that the key is present with any value.
	ExpectPresent
)

// Check is a precondition of a Batch.
type Check struct {
	Expect     Expectation
	Collection string
	Key, Value []byte
}

// Holds reports whether the check accepts what is stored under its key.
func (c *Check) Holds(value []byte, present bool) bool {
	switch c.Expect {
	case ExpectAbsent:
		return !present
	case ExpectPresent:
		return present
	}
	return present && string(value) == string(c.Value)
}

// StepKind is what a Step does. The zero value is invalid.
type StepKind uint8

// Kinds of step.
const (
	// Put sets Key to Value, whether it was present or not.
	Put StepKind = iota + 1
	// Delete removes Key; an absent one is no error.
	Delete
	// DeleteRange removes the keys in [Key, End); an empty Key or End leaves that
	// side open. More than MaxSteps keys are ErrTooLarge: remove in pieces.
	DeleteRange
)

// Step is one change in a Batch.
type Step struct {
	Kind       StepKind
	Collection string
	Key, Value []byte
	End        []byte
}

// Put appends a step that sets key to value.
func (b *Batch) Put(collection string, key, value []byte) {
	b.Steps = append(b.Steps, Step{Kind: Put, Collection: collection, Key: key, Value: value})
}

// Delete appends a step that removes key.
func (b *Batch) Delete(collection string, key []byte) {
	b.Steps = append(b.Steps, Step{Kind: Delete, Collection: collection, Key: key})
}

// DeleteRange appends a step that removes the keys in [from, to); empty means open.
func (b *Batch) DeleteRange(collection string, from, to []byte) {
	b.Steps = append(b.Steps, Step{Kind: DeleteRange, Collection: collection, Key: from, End: to})
}

// CheckValue makes the batch depend on key having exactly this value.
func (b *Batch) CheckValue(collection string, key, value []byte) {
	b.Checks = append(b.Checks, Check{Expect: ExpectValue, Collection: collection, Key: key, Value: value})
}

// CheckAbsent makes the batch depend on key being absent.
func (b *Batch) CheckAbsent(collection string, key []byte) {
	b.Checks = append(b.Checks, Check{Expect: ExpectAbsent, Collection: collection, Key: key})
}

// CheckPresent makes the batch depend on key being present, with any value.
func (b *Batch) CheckPresent(collection string, key []byte) {
	b.Checks = append(b.Checks, Check{Expect: ExpectPresent, Collection: collection, Key: key})
}

// OnlyRemoves reports whether no step adds data: what a full disk still allows.
func (b *Batch) OnlyRemoves() bool {
	for i := range b.Steps {
		if b.Steps[i].Kind == Put {
			return false
		}
	}
	return true
}

// Size returns the bytes that the batch keeps in memory, roughly.
func (b *Batch) Size() int {
	n := stepBytes * (len(b.Checks) + len(b.Steps))
	for i := range b.Checks {
		c := &b.Checks[i]
		n += len(c.Collection) + len(c.Key) + len(c.Value)
	}
	for i := range b.Steps {
		s := &b.Steps[i]
		n += len(s.Collection) + len(s.Key) + len(s.Value) + len(s.End)
	}
	return n
}
