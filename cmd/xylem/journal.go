package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// journalFolder is where files are memory: a store to a page of a file on disk
// waits for the disk now and then, and event loops must not.
const journalFolder = "/dev/shm"

// journal is memory that is still there when the process was killed, see
// engine.Config.Journal: a file in memory, which the system forgets with itself.
// Its name is made of the data folder, whose lock makes it ours. While no server runs
// that stopped in order, nothing is left there: what must be known still is kept in
// the data folder.
type journal struct {
	path   string
	kept   string // in the data folder
	memory []byte
	fresh  bool // nothing of a server before is in it
}

// keptJournal is the name of the journal in the data folder.
const keptJournal = "journal"

// openJournal maps the journal of a data folder.
func openJournal(folder, data string, size int) (*journal, error) {
	sum := sha256.Sum256([]byte(data))
	uid := os.Getuid()
	path := filepath.Join(folder, "xylem-"+strconv.Itoa(uid)+"-"+hex.EncodeToString(sum[:8]))
	// Everybody may write to the folder: what is there must be ours, and no link.
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CREAT|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer func() { _ = unix.Close(fd) }()
	var info unix.Stat_t
	if err := unix.Fstat(fd, &info); err != nil {
		return nil, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	if int(info.Uid) != uid || info.Mode&unix.S_IFMT != unix.S_IFREG || info.Mode&0o077 != 0 {
		return nil, fmt.Errorf("%s is not a file of this user alone; remove it", path)
	}
	if info.Size != int64(size) { // of another configuration: nothing in it fits
		if err := errors.Join(unix.Ftruncate(fd, 0), unix.Ftruncate(fd, int64(size))); err != nil {
			return nil, &os.PathError{Op: "truncate", Path: path, Err: err}
		}
	}
	// All of it now: where memory is short later, a store to it would end the process.
	if err := unix.Fallocate(fd, 0, 0, int64(size)); err != nil {
		return nil, errors.Join(&os.PathError{Op: "allocate", Path: path, Err: err}, os.Remove(path))
	}
	memory, err := unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, &os.PathError{Op: "map", Path: path, Err: err}
	}
	j := &journal{path, filepath.Join(data, keptJournal), memory, info.Size != int64(size)}
	if err := j.load(info.Size == 0); err != nil {
		return nil, errors.Join(err, unix.Munmap(memory))
	}
	return j, nil
}

// load takes back what keep has left, unless the server was killed since.
func (j *journal) load(isNew bool) error {
	kept, err := os.ReadFile(j.kept)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil && isNew && len(kept) == len(j.memory) { // else of another configuration
		copy(j.memory, kept)
		j.fresh = false
	}
	return errors.Join(err, os.Remove(j.kept))
}

// keep moves the journal to the data folder.
func (j *journal) keep() error {
	if err := writeFile(j.kept, j.memory); err != nil {
		return err
	}
	return os.Remove(j.path)
}

// closeJournal throws the journal away when the server has stopped in order, unless
// something is still known from a server before it that was killed.
func (s *server) closeJournal() {
	if s.journal == nil {
		return
	}
	end := func() error { return os.Remove(s.journal.path) }
	if s.engine.JournalNeeded() {
		end = s.journal.keep
	}
	if err := end(); err != nil {
		s.log.Warn("journal not removed from memory", "file", s.journal.path, "error", err)
	}
}

// dropUnusedJournal is closeJournal for a server that never got ready, and may not even
// have an engine.
func (s *server) dropUnusedJournal() {
	if s.journal != nil && s.journal.fresh && !s.wasReady {
		_ = os.Remove(s.journal.path) // the next start makes the same file
	}
}

// openJournal has the engine know, after a kill, what clients had before it. The
// server does without where the system does not let it.
func (s *server) openJournal(conf *loaded) []byte {
	sm := conf.StreamManagement
	if !sm.DurableAck || sm.JournalBytes == 0 {
		return nil
	}
	j, err := openJournal(journalFolder, conf.Server.Data, sm.JournalBytes)
	if err != nil {
		s.log.Warn("no journal: after a kill messages may come twice; stream_management.journal_bytes = 0 does without", "error", err)
		return nil
	}
	s.journal = j
	return j.memory
}
