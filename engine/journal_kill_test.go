package engine

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// JournalChild names, in the environment, the file in which this program writes
// entries until it is killed, see TestJournalEntryIsWholeOrNone.
const JournalChild = "XYLEM_TEST_JOURNAL"

// mapJournal maps a file as the journal of one loop.
func mapJournal(path string) (*journal, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if err := file.Truncate(journalLeast); err != nil {
		return nil, err
	}
	mem, err := unix.Mmap(int(file.Fd()), 0, journalLeast, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	j, _, err := openJournal(mem, 1)
	return j, err
}

// WriteJournal writes entries whose words belong together, and never ends. It says on
// standard output when the ring is full.
func WriteJournal(path string) error {
	j, err := mapJournal(path)
	if err != nil {
		return err
	}
	for n := uint64(1); ; n++ {
		j.rings[0].add(n, ^n, uint32(n))
		if n == entriesOf(j.rings[0]) {
			if _, err := os.Stdout.WriteString("full\n"); err != nil {
				return err
			}
		}
	}
}

// entriesOf is how many entries a ring has room for.
func entriesOf(r journalRing) uint64 { return uint64(len(r)-1) / journalEntry }

// A process that is killed in the middle of an entry leaves it out: none has words of
// two. Each of these is killed while it does nothing but write entries.
func TestJournalEntryIsWholeOrNone(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for round := range 20 {
		path := filepath.Join(t.TempDir(), "journal")
		j, err := mapJournal(path)
		if err != nil {
			t.Fatal(err)
		}
		ring := j.rings[0]
		child := exec.Command(exe)
		child.Env = append(os.Environ(), JournalChild+"="+path)
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		most := entriesOf(ring)
		if _, err := out.Read(make([]byte, 1)); err != nil {
			t.Errorf("the child did not fill its ring: %v", err)
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait() // it was killed
		seen, torn := uint64(0), 0
		for session, g := range ring.all {
			seen++
			if g.message != ^session || g.number != uint32(session) {
				torn++
			}
		}
		if torn > 0 || seen < most-1 {
			t.Errorf("round %d: %d of %d entries, %d of them torn", round, seen, most, torn)
		}
		if err := unix.Munmap(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(j.words))), journalLeast)); err != nil {
			t.Error(err)
		}
	}
}
