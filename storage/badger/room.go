package badger

import (
	"time"

	"github.com/xylem-im/xylem/storage"
)

// room is how much the disk still takes.
type room uint8

const (
	roomForAll room = iota
	roomToRemove
	noRoom
)

// What is known of the free space holds for roomTime and until roomBytes were
// put, whichever ends first: both are little beside the reserve, and most groups
// ask the file system nothing.
const (
	roomTime  = 100 * time.Millisecond
	roomBytes = 1 << 20
)

// space is the free space as it was last seen. Guarded by Driver.commits.
type space struct {
	room room
	at   time.Time
	put  int64 // bytes since then
}

// room compares the free space with the reserve. What cannot be asked is assumed
// to be there: the file system will say.
func (d *Driver) room() room {
	s := &d.space
	if now := time.Now(); s.room != roomForAll || s.put >= roomBytes || now.Sub(s.at) >= roomTime {
		*s = space{room: d.look(), at: now}
	}
	return s.room
}

func (d *Driver) look() room {
	free, ok := freeSpace(d.opts.Dir)
	switch {
	case !ok || free >= d.opts.MinFreeBytes:
		return roomForAll
	case free >= d.opts.MinFreeBytes/4:
		return roomToRemove
	}
	return noRoom
}

func (r room) allows(b *storage.Batch) bool {
	return r == roomForAll || r == roomToRemove && b.OnlyRemoves()
}
