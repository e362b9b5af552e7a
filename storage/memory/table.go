package memory

import (
	"iter"
	"slices"
	"strings"
)

// chunkLen bounds a chunk: an insert moves at most so many entries.
const chunkLen = 256

// entry is an item under its encoded key. Its value is never changed in place.
type entry struct {
	key   string
	value []byte
}

// table is an ordered map: chunks of sorted entries, none empty, each wholly
// before the next. The zero value is empty.
type table struct{ chunks [][]entry }

// find returns the place of the first entry that is not less than key, and
// whether it has that key. Beyond the last entry, c is len(chunks).
func (t *table) find(key string) (c, i int, found bool) {
	c, _ = slices.BinarySearchFunc(t.chunks, key, func(chunk []entry, key string) int {
		return strings.Compare(chunk[len(chunk)-1].key, key)
	})
	if c == len(t.chunks) {
		return c, 0, false
	}
	i, found = slices.BinarySearchFunc(t.chunks[c], key, func(e entry, key string) int {
		return strings.Compare(e.key, key)
	})
	return c, i, found
}

func (t *table) get(key string) ([]byte, bool) {
	c, i, found := t.find(key)
	if !found {
		return nil, false
	}
	return t.chunks[c][i].value, true
}

// seek is a storage.Seek.
func (t *table) seek(from []byte) ([]byte, bool) {
	c, i, _ := t.find(string(from))
	if c == len(t.chunks) {
		return nil, false
	}
	return []byte(t.chunks[c][i].key), true
}

// put sets key to value and returns what was there.
func (t *table) put(key string, value []byte) (old []byte, had bool) {
	c, i, found := t.find(key)
	if found {
		old = t.chunks[c][i].value
		t.chunks[c][i].value = value
		return old, true
	}
	switch {
	case len(t.chunks) == 0:
		t.chunks = append(t.chunks, nil)
	case c == len(t.chunks): // after everything: at the end of the last chunk
		c--
		i = len(t.chunks[c])
	}
	t.chunks[c] = slices.Insert(t.chunks[c], i, entry{key, value})
	if chunk := t.chunks[c]; len(chunk) > chunkLen {
		half := len(chunk) / 2
		upper := slices.Clone(chunk[half:])
		clear(chunk[half:])
		t.chunks[c] = chunk[:half]
		t.chunks = slices.Insert(t.chunks, c+1, upper)
	}
	return nil, false
}

// delete removes key and returns what was there.
func (t *table) delete(key string) (old []byte, had bool) {
	c, i, found := t.find(key)
	if !found {
		return nil, false
	}
	old = t.chunks[c][i].value
	t.chunks[c] = slices.Delete(t.chunks[c], i, i+1)
	if len(t.chunks[c]) == 0 {
		t.chunks = slices.Delete(t.chunks, c, c+1)
	}
	return old, true
}

// between iterates over the entries in [lower, upper), from above if reverse is
// set. The table may not change meanwhile.
func (t *table) between(lower, upper string, reverse bool) iter.Seq[entry] {
	if reverse {
		return func(yield func(entry) bool) { t.descend(lower, upper, yield) }
	}
	return func(yield func(entry) bool) { t.ascend(lower, upper, yield) }
}

func (t *table) ascend(lower, upper string, yield func(entry) bool) {
	c, i, _ := t.find(lower)
	for ; c < len(t.chunks); c, i = c+1, 0 {
		for _, e := range t.chunks[c][i:] {
			if e.key >= upper || !yield(e) {
				return
			}
		}
	}
}

func (t *table) descend(lower, upper string, yield func(entry) bool) {
	c, i, _ := t.find(upper)
	for {
		for ; i > 0; i-- {
			if e := t.chunks[c][i-1]; e.key < lower || !yield(e) {
				return
			}
		}
		if c == 0 {
			return
		}
		c--
		i = len(t.chunks[c])
	}
}
