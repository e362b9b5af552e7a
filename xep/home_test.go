package xep_test

import (
	"slices"
	"testing"
	"unsafe"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/xep"
)

func newHome(r *xep.Registry) *xep.Home {
	return xep.NewHome(&xep.Seat{Host: host{registry: r}}, jid.MustParse("romeo@example.org"))
}

// An account in use costs no more than the doc comment of Home says.
func TestHomeIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(xep.Home{}); n > 80 {
		t.Errorf("%d bytes", n)
	}
}

// States of several extensions are kept apart, in whatever order they come and go.
func TestHomeStates(t *testing.T) {
	a := newHome(xep.NewRegistry())
	want := map[int]any{}
	for i, step := range []struct {
		slot  int
		value any
	}{{3, "three"}, {0, 0}, {5, "five"}, {0, "zero"}, {3, nil}, {7, nil}, {1, 1}, {5, nil}, {0, nil}, {1, nil}, {0, 2}} {
		if a.SetState(step.slot, step.value); step.value == nil {
			delete(want, step.slot)
		} else {
			want[step.slot] = step.value
		}
		for slot := range 8 {
			if got := a.State(slot); got != want[slot] {
				t.Errorf("step %d: slot %d has %v, want %v", i, slot, got, want[slot])
			}
		}
	}
}

// The sessions of a home are in the order of their coming, and its address stays
// when they go.
func TestHomeSessions(t *testing.T) {
	a := newHome(xep.NewRegistry())
	bare := a.JID()
	var want []xep.SessionRef
	add := func(resource string, id uint64) {
		j, err := bare.WithResource(resource)
		if err != nil {
			t.Fatal(err)
		}
		s := xep.SessionRef{JID: j, ID: id}
		a.Enter(s)
		want = append(want, s)
	}
	remove := func(id uint64) {
		if !a.Leave(a.Session(id)) || a.Leave(xep.SessionRef{ID: id}) {
			t.Errorf("session %d did not leave once", id)
		}
		want = slices.DeleteFunc(want, func(s xep.SessionRef) bool { return s.ID == id })
	}
	check := func(when string) {
		t.Helper()
		if got := slices.Collect(a.Known()); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", when, got, want)
		}
		for _, s := range want {
			if a.Session(s.ID) != s {
				t.Errorf("%s: session %d is %v", when, s.ID, a.Session(s.ID))
			}
		}
		if a.Sessions() != len(want) || a.Knows(99) {
			t.Errorf("%s: %d sessions, or strange ones", when, a.Sessions())
		}
		if a.JID() != bare || a.Session(99).ID != 0 || a.State(0) != "state" {
			t.Errorf("%s: the home is of %s and keeps %v", when, a.JID(), a.State(0))
		}
	}
	a.SetState(0, "state")
	check("none")
	add("phone", 1)
	check("one")
	add("desk", 2)
	add("desk", 3) // took the resource over
	check("three")
	remove(1)
	check("without the first")
	remove(3)
	check("one again")
	remove(2)
	check("none again")
	add("phone", 4)
	check("a new one")
}

// Bytes are noted for as many extensions as there is room.
func TestHomeNotes(t *testing.T) {
	r := xep.NewRegistry()
	var places []int
	for {
		place, err := r.Note()
		if err != nil {
			break
		}
		places = append(places, place)
	}
	a := newHome(r)
	for i, place := range places {
		a.SetNote(place, uint8(i+1))
	}
	for i, place := range places {
		if a.Note(place) != uint8(i+1) {
			t.Errorf("place %d has %d", place, a.Note(place))
		}
	}
	if len(places) == 0 {
		t.Error("no room at all")
	}
}
