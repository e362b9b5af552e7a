package async

import (
	"errors"
	"time"

	"github.com/xylem-im/xylem/storage"
)

// Options says what a Pump works with. Driver and Deliver are required; zero
// values elsewhere mean the default.
type Options struct {
	// Driver does the work. The pump owns it from New on: Close closes it.
	Driver storage.Driver

	// Deliver is given the results of operations that Submit accepted, each exactly
	// once. All results of one call have the same Token.Loop. It is called by the
	// pump's goroutines, several at a time; it must not block (it appends to the
	// loop's inbox and wakes the loop) and must not call Close. The slice is valid
	// until Deliver returns; the results in it belong to the receiver. Results of
	// one owner come in the order of submission, reads that follow one another
	// excepted.
	Deliver func(results []storage.Result)

	// MaxGroup bounds the Applies in one group commit. Default 512.
	MaxGroup int
	// MaxGroupBytes bounds their size in sum; one op alone may be larger. Default 512 KiB.
	MaxGroupBytes int
	// Readers is the number of goroutines that read. Default 2.
	Readers int
	// MaxOps bounds the operations that were accepted and not yet answered. Beyond
	// it Submit returns storage.ErrBusy. Default 16384.
	MaxOps int
	// MaxBytes bounds their storage.Op.Size in sum, in the same way. Default 32 MiB.
	MaxBytes int
}

// withDefaults returns a copy of o with every field set, or an error.
func (o Options) withDefaults() (Options, error) {
	if o.Driver == nil || o.Deliver == nil {
		return o, errors.New("async: Options need a Driver and a Deliver")
	}
	setDefault(&o.MaxGroup, 512)
	setDefault(&o.MaxGroupBytes, 512<<10)
	setDefault(&o.Readers, 2)
	setDefault(&o.MaxOps, 16384)
	setDefault(&o.MaxBytes, 32<<20)
	return o, nil
}

func setDefault[T int | time.Duration](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}
