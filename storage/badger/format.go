package badger

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	badgerdb "github.com/dgraph-io/badger/v4"

	"github.com/xylem-im/xylem/storage"
)

// The first byte of a Badger key tells our own notes from data.
const (
	notePrefix = 0
	dataPrefix = 1
)

// formatKey holds "xylem N", where N is the format of everything else.
const formatKey = string(rune(notePrefix)) + "format"

// format is the format that this version writes and knows: keys as
// storage.AppendKey makes them behind dataPrefix, values as given.
const (
	formatName = "xylem "
	format     = 1
)

// checkFormat notes the format in an empty store and refuses one it does not know.
func (d *Driver) checkFormat() error {
	mark, err := d.readFormat()
	switch {
	case err != nil:
		return fmt.Errorf("storage/badger: reading the format of %s: %w", d.opts.Dir, err)
	case mark == "":
		return d.writeFormat()
	}
	n, err := strconv.Atoi(strings.TrimPrefix(mark, formatName))
	switch {
	case err != nil || !strings.HasPrefix(mark, formatName):
		return fmt.Errorf("%w: %s is no data folder of xylem", storage.ErrFormat, d.opts.Dir)
	case n > format:
		return fmt.Errorf("%w: %s was written by a newer xylem (format %d, this one knows %d)",
			storage.ErrFormat, d.opts.Dir, n, format)
	}
	return nil
}

// readFormat returns the note; "" if the store is empty; "?" if there is data
// but no note.
func (d *Driver) readFormat() (mark string, err error) {
	err = d.db.View(func(txn *badgerdb.Txn) error {
		item, err := txn.Get([]byte(formatKey))
		if err == nil {
			value, err := item.ValueCopy(nil)
			mark = string(value)
			return err
		}
		if !errors.Is(err, badgerdb.ErrKeyNotFound) {
			return err
		}
		it := txn.NewIterator(badgerdb.IteratorOptions{})
		defer it.Close()
		if it.Rewind(); it.Valid() {
			mark = "?"
		}
		return nil
	})
	return mark, err
}

func (d *Driver) writeFormat() error {
	note := formatName + strconv.Itoa(format)
	err := d.db.Update(func(txn *badgerdb.Txn) error { return txn.Set([]byte(formatKey), []byte(note)) })
	if err == nil {
		err = d.db.Sync()
	}
	if err != nil {
		return fmt.Errorf("storage/badger: noting the format in %s: %w", d.opts.Dir, err)
	}
	return nil
}
