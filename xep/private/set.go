package private

import (
	"fmt"

	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/xep"
)

// state lets the sets of an account follow one another: each first counts
// what is stored. Those that wait are bounded, as each keeps its session waiting.
type state struct {
	busy    bool
	waiting []func()
}

// change is the elements of one set.
type change struct {
	values map[string][]byte // by key
	bytes  int               // of keys and values
}

// set stores the elements of a request, all or none.
func (x *extension) set(a *xep.Home, req *xep.Request) {
	c, e, ok := x.read(req)
	if !ok {
		req.Error(e)
		return
	}
	s, _ := a.State(x.slot).(*state)
	if s == nil {
		s = &state{}
		a.SetState(x.slot, s)
	}
	if s.busy {
		s.waiting = append(s.waiting, func() { x.apply(a, s, req, c) })
		return
	}
	x.apply(a, s, req, c)
}

// read takes the elements over, each in a form of its own.
func (x *extension) read(req *xep.Request) (c *change, fault stanza.Error, ok bool) {
	query, _ := req.View.Payload()
	c = &change{values: make(map[string][]byte)}
	for child := range query.Children() {
		key, e, ok := keyOf(child)
		if !ok {
			return nil, e, false
		}
		value, ok := xep.AppendElement([]byte{version1}, child, x.MaxBytes)
		if !ok {
			return nil, x.tooMuch(), false
		}
		c.bytes += len(key) + len(value) - c.size(string(key))
		c.values[string(key)] = value
		if c.bytes > x.MaxBytes || len(c.values) > x.MaxElements {
			return nil, x.tooMuch(), false
		}
	}
	if len(c.values) == 0 {
		return nil, stanza.Error{Condition: stanza.NotAcceptable, Text: "nothing is given"}, false
	}
	return c, fault, true
}

// size is what c holds under key.
func (c *change) size(key string) int {
	if v, ok := c.values[key]; ok {
		return len(key) + len(v)
	}
	return 0
}

func (x *extension) tooMuch() stanza.Error {
	return stanza.Error{Condition: stanza.PolicyViolation,
		Text: fmt.Sprintf("an account keeps %d elements and %d bytes at most", x.MaxElements, x.MaxBytes)}
}

// apply counts what will be stored, and stores it.
func (x *extension) apply(a *xep.Home, s *state, req *xep.Request, c *change) {
	s.busy = true
	end := func(e error) {
		if e == nil {
			req.Result(nil)
		} else {
			req.Error(e.(stanza.Error))
		}
		s.next()
	}
	a.Ask(&storage.Op{Kind: storage.Scan, Collection: collection}, func(res *storage.Result) {
		if res.Err != nil {
			end(xep.StorageError(res.Err))
			return
		}
		elements, bytes := len(c.values), c.bytes
		for _, item := range res.Items {
			if _, replaced := c.values[string(item.Key)]; !replaced {
				elements++
				bytes += len(item.Key) + len(item.Value)
			}
		}
		if res.More || elements > x.MaxElements || bytes > x.MaxBytes {
			end(x.tooMuch())
			return
		}
		op := &storage.Op{Kind: storage.Apply, Durable: true}
		for key, value := range c.values {
			op.Batch.Put(collection, []byte(key), value)
		}
		a.Ask(op, func(res *storage.Result) {
			if res.Err != nil {
				end(xep.StorageError(res.Err))
				return
			}
			end(nil)
		})
	})
}

// next lets the set go on that has waited longest.
func (s *state) next() {
	s.busy = false
	if len(s.waiting) == 0 {
		return
	}
	f := s.waiting[0]
	s.waiting = s.waiting[1:]
	f()
}
