package measure

import (
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// cores are those of each thread of this process; one that has ended has none.
func cores(t *testing.T) (list []unix.CPUSet) {
	t.Helper()
	for _, thread := range threads(os.Getpid()) {
		var set unix.CPUSet
		if unix.SchedGetaffinity(thread, &set) == nil {
			list = append(list, set)
		}
	}
	return list
}

func TestConfine(t *testing.T) {
	var before, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		t.Fatal(err)
	}
	core := 0
	for !before.IsSet(core) {
		core++
	}
	one.Set(core)
	undo, err := Confine(strconv.Itoa(core))
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range cores(t) {
		if got != one {
			t.Errorf("a thread runs on %v, want core %d only", got, core)
		}
	}
	undo()
	for _, got := range cores(t) {
		if got != before {
			t.Errorf("afterwards a thread runs on %v, want %v", got, before)
		}
	}
	if _, err := Confine("none"); err == nil {
		t.Error("no list of cores is taken for one")
	}
}
