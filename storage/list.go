package storage

// Seek returns the smallest stored encoded key that is not less than from. The
// key is valid until the next call.
type Seek func(from []byte) (key []byte, ok bool)

// ListOwners answers an Owners op for a driver with one flat ordered key space.
// It costs one seek for each owner that has the collection, and two for each
// that has not.
func ListOwners(op *Op, seek Seek) Result {
	list := NewLister(op)
	prefix := appendEscaped(nil, op.Owner)
	end := PrefixEnd(prefix)
	from := prefix
	if len(op.Key) > 0 {
		if after := PrefixEnd(AppendOwnerPrefix(nil, string(op.Key))); string(after) > string(from) {
			from = after
		}
	}
	for {
		enc, ok := seek(from)
		if !ok || end != nil && string(enc) >= string(end) {
			return list.Result()
		}
		owner, collection, _, err := SplitKey(enc)
		switch {
		case err != nil:
			return Result{Token: op.Token, Err: err}
		case collection < op.Collection:
			from = AppendCollectionPrefix(nil, owner, op.Collection)
			continue
		case collection == op.Collection && !list.addName(owner):
			return list.Result()
		}
		from = PrefixEnd(AppendOwnerPrefix(nil, owner))
	}
}

// ListCollections answers a Collections op for a driver with one flat ordered
// key space, with one seek for each collection.
func ListCollections(op *Op, seek Seek) Result {
	list := NewLister(op)
	from := AppendOwnerPrefix(nil, op.Owner)
	end := PrefixEnd(from)
	if len(op.Key) > 0 {
		from = PrefixEnd(AppendCollectionPrefix(nil, op.Owner, string(op.Key)))
	}
	for {
		enc, ok := seek(from)
		if !ok || string(enc) >= string(end) {
			return list.Result()
		}
		_, collection, _, err := SplitKey(enc)
		if err != nil {
			return Result{Token: op.Token, Err: err}
		}
		if !list.addName(collection) {
			return list.Result()
		}
		from = PrefixEnd(AppendCollectionPrefix(nil, op.Owner, collection))
	}
}

// Lister collects the items of one result within the limits of op.
type Lister struct {
	res   Result
	limit int
	bytes int
}

// NewLister returns a Lister for the answer to op.
func NewLister(op *Op) Lister {
	return Lister{res: Result{Token: op.Token}, limit: op.effectiveLimit()}
}

// Fits reports whether an item of so many bytes may be added. If not, the result
// says that there is more, and the caller stops.
func (l *Lister) Fits(bytes int) bool {
	if n := len(l.res.Items); n >= l.limit || n > 0 && l.bytes+bytes > MaxResultBytes {
		l.res.More = true
		return false
	}
	return true
}

// Add appends item, whose slices now belong to the result.
func (l *Lister) Add(item Item) {
	l.bytes += len(item.Key) + len(item.Value)
	l.res.Items = append(l.res.Items, item)
}

// Result returns what was collected.
func (l *Lister) Result() Result { return l.res }

// addName adds an item without value if it fits.
func (l *Lister) addName(name string) bool {
	if !l.Fits(len(name)) {
		return false
	}
	l.Add(Item{Key: []byte(name)})
	return true
}
