package routing

import (
	"fmt"
	"sync/atomic"
	"testing"
)

// What is read ahead is what the look-up will read, but for an account that has not
// found room where it is looked for first, or that another one of the same tag is before.
func TestAhead(t *testing.T) {
	d := newDomain("example.com", new(atomic.Uint64))
	if a := d.Ahead("alice"); a.Slot() != 0 || a.Record() != 0 {
		t.Error("something is read of an empty table")
	}
	const n = 20_000
	for i := range n {
		d.Bind(fmt.Sprint("user", i), "phone", Mailbox(i+1))
	}
	right := 0
	for i := range n {
		local := fmt.Sprint("user", i)
		a := d.Ahead(local)
		if a.Slot(); a.record() == d.accounts.load(local) {
			right++
			if got, want := a.Record(), local[len(local)-1]; got != want {
				t.Fatalf("%s: read %q, want the end of its localpart", local, got)
			}
		}
	}
	if right < n*8/10 {
		t.Errorf("%d of %d are read ahead", right, n)
	}
	for i := range n { // those who are nobody, and names of all lengths
		a := d.Ahead(fmt.Sprintf("%0*d", i%100, i))
		a.Slot()
		a.Record()
	}
}

// Reading ahead meets changes as look-ups do.
func TestAheadBesideChanges(t *testing.T) {
	d := newDomain("example.com", new(atomic.Uint64))
	changed := make(chan struct{})
	go func() {
		defer close(changed)
		for i := range 20_000 {
			local := fmt.Sprint("user", i%3000)
			d.Bind(local, fmt.Sprint("r", i%4), Mailbox(i+1))
			d.SetPresence(local, fmt.Sprint("r", i%4), Mailbox(i+1), true, 0)
			if i%3 == 0 {
				d.Unbind(local, fmt.Sprint("r", i%4), Mailbox(i+1))
			}
		}
	}()
	for i := 0; ; i++ {
		a := d.Ahead(fmt.Sprint("user", i%3000))
		a.Slot()
		a.Record()
		select {
		case <-changed:
			return
		default:
		}
	}
}
