package measure

import (
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestParseStat(t *testing.T) {
	line := "42 (a b) c) R) S 1 42 42 0 -1 4194304 100 200 3 4 1234 56 78 90 20 0 5 0 100 1000 200 18446744073709551615\n"
	got, err := parseStat([]byte(line))
	if want := (CPU{(12340 + 780) * time.Millisecond, (560 + 900) * time.Millisecond}); err != nil || got != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	for _, bad := range []string{"", "42", "42 (x) S 1 2", "42 (x) S 1 2 3 4 5 6 7 8 9 10 a b 13 14 15"} {
		if got, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
}

// The test's own process is a server like any.
func TestOwnProcess(t *testing.T) {
	pid := os.Getpid()
	if !slices.Contains(tree(pid), pid) {
		t.Error("a process is not in its own tree")
	}
	before, err := ProcessCPU(pid)
	if err != nil {
		t.Fatal(err)
	}
	const work = 100 * time.Millisecond // of the processor: how long that takes depends on who else wants it
	for begin := OwnCPU(); OwnCPU()-begin < work; {
	}
	after, err := ProcessCPU(pid)
	if err != nil {
		t.Fatal(err)
	}
	if used := after.Sub(before).Total(); used < work/2 || used > 10*work {
		t.Errorf("%v of work are seen as %v", work, used)
	}

	small, err := ProcessMemory(pid)
	if err != nil {
		t.Fatal(err)
	}
	const size = 64 << 20
	held, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE) // not the race detector's
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(held)
	resident, err := Resident(pid)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < size; i += 4096 {
		held[i] = 1
	}
	now, err := Resident(pid)
	if err != nil || now-resident < size*9/10 || now-resident > size*2 {
		t.Errorf("%d bytes are seen as %d, %v", size, now-resident, err)
	}
	big, err := ProcessMemory(pid)
	if err != nil {
		t.Fatal(err)
	}
	for name, grown := range map[string]int64{"RSS": big.Sub(small).RSS, "PSS": big.Sub(small).PSS, "anonymous": big.Sub(small).Anon} {
		if grown < size*9/10 || grown > size*12/10 {
			t.Errorf("%s grew by %d for %d bytes", name, grown, len(held))
		}
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if files, err := OpenFiles(pid); err != nil || files != int(limit.Cur) {
		t.Errorf("%d open files, %v; want %d", files, err, limit.Cur)
	}
	if small.Slab <= 0 || small.PSS > small.RSS {
		t.Errorf("%+v", small)
	}
}

func TestNoProcess(t *testing.T) {
	const none = 1 << 30 // beyond the largest pid
	if _, err := ProcessCPU(none); err == nil {
		t.Error("CPU of a process that is not there")
	}
	if _, err := ProcessMemory(none); err == nil {
		t.Error("memory of a process that is not there")
	}
	if _, err := OpenFiles(none); err == nil {
		t.Error("open files of a process that is not there")
	}
}

func TestMachine(t *testing.T) {
	m := ThisMachine(t.TempDir())
	if m.Cores < 1 || m.Memory < 1<<20 || m.Kernel == "" || m.Go == "" || m.Disk.FileSystem == "" {
		t.Errorf("%+v", m)
	}
	busy, steal := (Load{Busy: 30, Steal: 10, all: 140}).Since(Load{Busy: 10, Steal: 5, all: 40})
	if busy != 0.2 || steal != 0.05 {
		t.Errorf("busy %v, steal %v", busy, steal)
	}
	if ReadLoad().all <= 0 {
		t.Error("the machine's load was not read")
	}
}
