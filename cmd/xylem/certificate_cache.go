package main

import (
	"container/list"
	"crypto/tls"
	"sync"
)

// pairCache holds the parsed pairs that were used last, and reads the others
// when they are needed: by handshakes, which run on workers, never on a loop.
// A parsed pair is 3.3 KB; reading one takes 0.3 to 0.7 ms. Safe for concurrent use.
type pairCache struct {
	load func(*keptPair) (*tls.Certificate, error)

	mu      sync.Mutex
	limit   int
	held    map[*keptPair]*list.Element
	order   list.List               // of heldPair, the last used first
	loading map[*keptPair]*pairLoad // so that many who want one pair read it once
}

type heldPair struct {
	kept *keptPair
	pair *tls.Certificate
}

// pairLoad is one reading of files. pair and err are set when done is closed.
type pairLoad struct {
	done chan struct{}
	pair *tls.Certificate
	err  error
}

func newPairCache(limit int, load func(*keptPair) (*tls.Certificate, error)) *pairCache {
	return &pairCache{load: load, limit: limit, held: make(map[*keptPair]*list.Element), loading: make(map[*keptPair]*pairLoad)}
}

// get is the parsed pair. A failure is not remembered: the next one tries again.
func (c *pairCache) get(kept *keptPair) (*tls.Certificate, error) {
	c.mu.Lock()
	if place := c.held[kept]; place != nil {
		c.order.MoveToFront(place)
		c.mu.Unlock()
		return place.Value.(heldPair).pair, nil
	}
	if l := c.loading[kept]; l != nil {
		c.mu.Unlock()
		<-l.done
		return l.pair, l.err
	}
	l := &pairLoad{done: make(chan struct{})}
	c.loading[kept] = l
	c.mu.Unlock()

	l.pair, l.err = c.load(kept)

	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.loading, kept)
	if l.err == nil {
		c.hold(kept, l.pair)
	}
	close(l.done)
	return l.pair, l.err
}

// offer holds a pair that was read for another reason, if there is room.
func (c *pairCache) offer(kept *keptPair, pair *tls.Certificate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.held) < c.limit {
		c.hold(kept, pair)
	}
}

// hold enters a pair; mu is held.
func (c *pairCache) hold(kept *keptPair, pair *tls.Certificate) {
	c.held[kept] = c.order.PushFront(heldPair{kept, pair})
	c.trim()
}

// resize sets how many pairs are held, at least one.
func (c *pairCache) resize(limit int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limit = limit
	c.trim()
}

func (c *pairCache) trim() {
	for len(c.held) > c.limit {
		c.drop(c.order.Back())
	}
}

// retain drops what the set does not show any more.
func (c *pairCache) retain(set *certificateSet) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for kept, place := range c.held {
		if set.byName[kept.names[0]] != kept {
			c.drop(place)
		}
	}
}

func (c *pairCache) drop(place *list.Element) {
	delete(c.held, c.order.Remove(place).(heldPair).kept)
}
