package engine

import (
	"github.com/panjf2000/gnet/v2"

	"github.com/xylem-im/xylem/internal/invariants"
)

// handler receives the events of gnet. A connection's context is an *arrival
// before it was opened, then its *conn; a loop's own wake-up connection has
// the *loop.
type handler struct {
	gnet.BuiltinEventEngine
	engine *Engine
}

// OnOpen gives a connection that the acceptor has enrolled to its loop.
func (h *handler) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	switch ctx := c.Context().(type) {
	case *loop:
		ctx.gnet = c.EventLoop()
		ctx.epoll = epollOf(ctx.gnet)
	case *adoption: // a session is resumed on a connection of another loop
		l := h.engine.loopOf(c.EventLoop())
		ctx.transport = socket{c, ctx.transport.origin()}
		began := l.enter()
		ctx.apply(l, l.slots.find(ctx.session))
		if began {
			l.exit()
		}
	case *arrival:
		l := h.engine.loopOf(c.EventLoop())
		began := l.enter()
		ctx.opened(l, c)
		if began {
			l.exit()
		}
	case *outgoing:
		l := ctx.loop
		began := l.enter()
		c.SetContext(ctx.opened(l, socket{c: c}))
		if began {
			l.exit()
		}
	}
	return nil, gnet.None
}

// OnTraffic is a turn for the input of one connection.
func (h *handler) OnTraffic(c gnet.Conn) gnet.Action {
	switch ctx := c.Context().(type) {
	case *conn:
		in, _ := c.Next(-1)
		l := ctx.loop
		began := l.enter()
		ctx.input(in)
		if began {
			l.exit()
		}
		invariants.Poison(in) // it was lent for this turn only
	case *loop:
		_, _ = c.Discard(-1)
		ctx.woken()
	}
	return gnet.None
}

// OnClose is the end of a connection, whoever wanted it.
func (h *handler) OnClose(c gnet.Conn, _ error) gnet.Action {
	if ctx, ok := c.Context().(*conn); ok {
		l := ctx.loop
		began := l.enter()
		ctx.transportClosed()
		if began {
			l.exit()
		}
	}
	return gnet.None
}
