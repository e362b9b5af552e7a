package resolve

import (
	"container/list"
	"time"
)

// question is what a name server is asked: a name in lower-case ASCII without
// the dot at its end, and a type of records.
type question struct {
	name  string
	qtype uint16
}

// cache keeps answers until their time is over, and of too many those that were
// used last. It is bounded by the number of records, as one answer may hold
// hundreds. Guarded by Resolver.mu.
type cache struct {
	most   int
	weight int
	byKey  map[question]*list.Element
	order  *list.List // of *entry; front: used last
}

type entry struct {
	q      question
	a      answer
	until  time.Time
	weight int
}

func newCache(most int) cache {
	return cache{most: most, byKey: make(map[question]*list.Element), order: list.New()}
}

// get returns an answer that still holds.
func (c *cache) get(q question, now time.Time) (answer, bool) {
	el, ok := c.byKey[q]
	if !ok {
		return answer{}, false
	}
	e := el.Value.(*entry)
	if !now.Before(e.until) {
		c.remove(el)
		return answer{}, false
	}
	c.order.MoveToFront(el)
	return e.a, true
}

// peek returns an answer whether it still holds or not.
func (c *cache) peek(q question) (answer, bool) {
	el, ok := c.byKey[q]
	if !ok {
		return answer{}, false
	}
	return el.Value.(*entry).a, true
}

func (c *cache) put(q question, a answer, until time.Time) {
	c.drop(q)
	e := &entry{q: q, a: a, until: until, weight: max(1, len(a.srv)+len(a.addrs))}
	c.byKey[q] = c.order.PushFront(e)
	c.weight += e.weight
	for c.weight > c.most && c.order.Len() > 1 {
		c.remove(c.order.Back())
	}
}

func (c *cache) drop(q question) {
	if el, ok := c.byKey[q]; ok {
		c.remove(el)
	}
}

func (c *cache) remove(el *list.Element) {
	e := c.order.Remove(el).(*entry)
	delete(c.byKey, e.q)
	c.weight -= e.weight
}
