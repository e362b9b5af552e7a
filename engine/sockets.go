package engine

import (
	"sync"
	"sync/atomic"
)

// sockets finds the socket of a file descriptor. An entry is written by the loop
// that the socket belongs to, before the descriptor is watched and before it is
// closed. Safe for concurrent use.
type sockets struct {
	pages atomic.Pointer[[]*socketPage]
	grow  sync.Mutex
}

const socketPageSize = 512

type socketPage [socketPageSize]atomic.Pointer[socket]

// find is nil for descriptors that are no sockets of a loop, and for the numbers below
// 0 by which a poller calls listeners.
func (t *sockets) find(fd int) *socket {
	pages := t.pages.Load()
	if pages == nil || fd < 0 || fd/socketPageSize >= len(*pages) {
		return nil
	}
	return (*pages)[fd/socketPageSize][fd%socketPageSize].Load()
}

func (t *sockets) add(fd int, s *socket) {
	page := fd / socketPageSize
	if pages := t.pages.Load(); pages == nil || page >= len(*pages) {
		t.extend(page)
	}
	(*t.pages.Load())[page][fd%socketPageSize].Store(s)
}

// extend makes room up to a page. Pages stay where they are.
func (t *sockets) extend(page int) {
	t.grow.Lock()
	defer t.grow.Unlock()
	var pages []*socketPage
	if old := t.pages.Load(); old != nil {
		pages = *old
	}
	if page < len(pages) {
		return
	}
	longer := append([]*socketPage(nil), pages...)
	for len(longer) <= page {
		longer = append(longer, new(socketPage))
	}
	t.pages.Store(&longer)
}

func (t *sockets) remove(fd int) { (*t.pages.Load())[fd/socketPageSize][fd%socketPageSize].Store(nil) }
