package hugepages

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Report is what a pass over the heap has done, in bytes.
type Report struct {
	Heap    int64 // in memory before
	Huge    int64 // of it in huge pages now
	Added   int64 // taken in addition, to fill huge pages up
	Refused int64 // what the kernel would not change now
}

// usedLeast is the part of a huge page that must be in use.
const usedLeast = 0.5

// Collapse makes huge pages of the heap at once: for programs that know that it is large
// and will stay so, and benchmarks; others call [Keep]. It takes one to two milliseconds for each 2 MiB, in
// which who needs these waits. Errors: ErrUnsupported, and those of ctx. Safe for
// concurrent use.
func Collapse(ctx context.Context) (Report, error) { return collapse(ctx, 0) }

// collapse rests for so many times as long as each step took.
func collapse(ctx context.Context, rest int) (Report, error) {
	size, err := pageSize()
	if err != nil {
		return Report{}, err
	}
	spans, err := heapSpans()
	if err != nil {
		return Report{}, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	p := pass{size: size, rest: rest, budget: budget(), pages: make([]byte, int(size)/os.Getpagesize())}
	for _, s := range spans {
		if !s.blocks(size, func(at uintptr) bool { return p.block(ctx, at) }) {
			break
		}
	}
	switch {
	case ctx.Err() != nil:
		return p.report, context.Cause(ctx)
	case p.report.Huge == 0 && errors.Is(p.last, unix.EINVAL): // also what it says when it knows no MADV_COLLAPSE
		return p.report, fmt.Errorf("%w: %w; Linux 6.1 or later is needed", ErrUnsupported, p.last)
	}
	return p.report, nil
}

// pass is one over the heap.
type pass struct {
	size   uintptr
	rest   int
	budget int64  // bytes that may yet be added
	pages  []byte // of a block: whether they are in memory, see mincore(2)
	report Report
	last   error // of the kernel
}

// block makes a huge page of the block at an address if that pays. It returns
// false when there is no going on.
func (p *pass) block(ctx context.Context, at uintptr) bool {
	if _, _, errno := unix.Syscall(unix.SYS_MINCORE, at, p.size, uintptr(unsafe.Pointer(&p.pages[0]))); errno != 0 {
		return true
	}
	used := int64(0)
	for _, page := range p.pages {
		used += int64(page & 1)
	}
	used *= int64(os.Getpagesize())
	p.report.Heap += used
	missing := int64(p.size) - used
	if float64(used) < usedLeast*float64(p.size) || missing > p.budget {
		return true
	}
	began := time.Now()
	_, _, errno := unix.Syscall(unix.SYS_MADVISE, at, p.size, unix.MADV_COLLAPSE)
	took := time.Since(began)
	switch errno {
	case 0:
		p.report.Huge += int64(p.size)
		p.report.Added += missing
		p.budget -= missing
	default:
		p.last = errno
		p.report.Refused += int64(p.size)
	}
	return errno != unix.ENOMEM && p.pause(ctx, took)
}

// wasHuge is what a step takes less than where nothing was to be done.
const wasHuge = 100 * time.Microsecond

// pause waits after a step that took so long; false when ctx is done.
func (p *pass) pause(ctx context.Context, took time.Duration) bool {
	if p.rest == 0 || took < wasHuge {
		return ctx.Err() == nil
	}
	t := time.NewTimer(time.Duration(p.rest) * took)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
