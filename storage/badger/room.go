package badger

import "github.com/xylem-im/xylem/storage"

// room is how much the disk still takes.
type room uint8

const (
	roomForAll room = iota
	roomToRemove
	noRoom
)

// room compares the free space with the reserve. What cannot be asked is assumed
// to be there: the file system will say.
func (d *Driver) room() room {
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
