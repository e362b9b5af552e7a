package badger

import (
	"bytes"
	"errors"
	"fmt"

	badgerdb "github.com/dgraph-io/badger/v4"

	"github.com/xylem-im/xylem/storage"
)

// Read implements storage.Driver.
func (d *Driver) Read(op *storage.Op) (res storage.Result) {
	if err := op.Validate(); err != nil {
		return storage.Result{Token: op.Token, Err: err}
	}
	if err := d.acquire(); err != nil {
		return storage.Result{Token: op.Token, Err: err}
	}
	defer d.use.RUnlock()
	// When Badger cannot create the log of a new memtable (too many open files, say),
	// it is left with a nil memtable, which reads run into.
	defer func() {
		if r := recover(); r != nil {
			res = storage.Result{Token: op.Token, Err: d.breakDown(fmt.Errorf("reading: %v", r))}
		}
	}()
	err := d.db.View(func(txn *badgerdb.Txn) (err error) {
		res, err = read(txn, op)
		return err
	})
	if err != nil {
		return storage.Result{Token: op.Token, Err: fmt.Errorf("storage/badger: reading: %w", err)}
	}
	return res
}

// read answers op; its error is one of Badger.
func read(txn *badgerdb.Txn, op *storage.Op) (storage.Result, error) {
	switch op.Kind {
	case storage.Get:
		return get(txn, op)
	case storage.Scan:
		if op.Reverse {
			return scanDown(txn, op)
		}
		return scanUp(txn, op)
	case storage.Owners:
		return list(txn, op, storage.ListOwners), nil
	case storage.Collections:
		return list(txn, op, storage.ListCollections), nil
	}
	return storage.Result{Token: op.Token, Err: fmt.Errorf("%w: read of kind %s", storage.ErrInvalid, op.Kind)}, nil
}

func get(txn *badgerdb.Txn, op *storage.Op) (storage.Result, error) {
	value, ok, err := lookUp(txn, storage.AppendKey([]byte{dataPrefix}, op.Owner, op.Collection, op.Key))
	if err != nil {
		return storage.Result{}, err
	}
	if !ok {
		return storage.Result{Token: op.Token, Err: storage.ErrNotFound}, nil
	}
	item := storage.Item{Key: bytes.Clone(op.Key), Value: value}
	return storage.Result{Token: op.Token, Items: []storage.Item{item}}, nil
}

// lookUp returns a copy of the value under a Badger key.
func lookUp(txn *badgerdb.Txn, key []byte) (value []byte, ok bool, err error) {
	item, err := txn.Get(key)
	if errors.Is(err, badgerdb.ErrKeyNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	value, err = item.ValueCopy(nil)
	return value, err == nil, err
}

// bounds returns storage.ScanBounds as Badger keys.
func bounds(owner, collection string, from, to []byte) (lower, upper []byte) {
	lower, upper = storage.ScanBounds(owner, collection, from, to)
	return append([]byte{dataPrefix}, lower...), append([]byte{dataPrefix}, upper...)
}

// collectionPrefix returns what the Badger keys of a collection begin with.
func collectionPrefix(owner, collection string) []byte {
	return storage.AppendCollectionPrefix([]byte{dataPrefix}, owner, collection)
}

func scanUp(txn *badgerdb.Txn, op *storage.Op) (storage.Result, error) {
	lower, upper := bounds(op.Owner, op.Collection, op.From, op.To)
	prefix := collectionPrefix(op.Owner, op.Collection)
	it := txn.NewIterator(badgerdb.IteratorOptions{Prefix: prefix})
	defer it.Close()
	out := storage.NewLister(op)
	for it.Seek(lower); it.Valid(); it.Next() {
		item := it.Item()
		if bytes.Compare(item.Key(), upper) >= 0 {
			break
		}
		if more, err := add(&out, item, len(prefix)); !more {
			return out.Result(), err
		}
	}
	return out.Result(), nil
}

// scanDown has no Prefix option: a key at upper, which lies outside of it, would
// end the iteration before it begins.
func scanDown(txn *badgerdb.Txn, op *storage.Op) (storage.Result, error) {
	lower, upper := bounds(op.Owner, op.Collection, op.From, op.To)
	prefix := collectionPrefix(op.Owner, op.Collection)
	it := txn.NewIterator(badgerdb.IteratorOptions{Reverse: true})
	defer it.Close()
	out := storage.NewLister(op)
	for it.Seek(upper); it.Valid(); it.Next() {
		item := it.Item()
		if bytes.Compare(item.Key(), upper) >= 0 {
			continue
		}
		if bytes.Compare(item.Key(), lower) < 0 {
			break
		}
		if more, err := add(&out, item, len(prefix)); !more {
			return out.Result(), err
		}
	}
	return out.Result(), nil
}

// add copies item to out unless the result is full.
func add(out *storage.Lister, item *badgerdb.Item, prefix int) (more bool, err error) {
	if !out.Fits(len(item.Key()) - prefix + int(item.ValueSize())) {
		return false, nil
	}
	value, err := item.ValueCopy(nil)
	if err != nil {
		return false, err
	}
	out.Add(storage.Item{Key: bytes.Clone(item.Key()[prefix:]), Value: value})
	return true, nil
}

// list runs one of the skipping listers over the data.
func list(txn *badgerdb.Txn, op *storage.Op, lister func(*storage.Op, storage.Seek) storage.Result) storage.Result {
	it := txn.NewIterator(badgerdb.IteratorOptions{Prefix: []byte{dataPrefix}})
	defer it.Close()
	target := []byte{dataPrefix}
	return lister(op, func(from []byte) ([]byte, bool) {
		target = append(target[:1], from...)
		it.Seek(target)
		if !it.Valid() {
			return nil, false
		}
		return it.Item().Key()[1:], true
	})
}
