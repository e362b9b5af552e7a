package engine

import (
	"errors"
	"fmt"

	gnet "github.com/panjf2000/gnet/v2/pkg/errors"
	"github.com/panjf2000/gnet/v2/pkg/netpoll"
)

// readBytes is how much is read from a socket at once. Each loop has one buffer
// for it.
const readBytes = 64 << 10

// openPoller makes the loop ready to serve.
func (l *loop) openPoller() (err error) {
	if l.poller, err = netpoll.OpenPoller(); err != nil {
		return fmt.Errorf("engine: event loop: %w", err)
	}
	if err = l.waker.open(l.poller); err != nil {
		_ = l.poller.Close()
		l.poller = nil
		return err
	}
	l.in = make([]byte, readBytes)
	return nil
}

// run works off the events of the loop's sockets, and what others leave for
// it, until the engine is halted. Then it closes what is left.
func (l *loop) run() {
	if err := l.poller.Polling(l.event); err != nil && !errors.Is(err, gnet.ErrEngineShutdown) {
		l.engine.log.Error("event loop failed", "loop", l.index, "error", err)
	}
	began := l.enter()
	for i := range l.slots.table {
		if c := l.slots.table[i].conn; c != nil {
			if s, ok := c.transport.(*socket); ok {
				s.close()
			}
		}
	}
	if began {
		l.exit()
	}
	_ = l.poller.Close()
}

// event is a turn for one socket, or for what others have left for the loop.
// Its error ends the loop.
func (l *loop) event(fd int, what netpoll.IOEvent, _ netpoll.IOFlags) error {
	if fd == l.waker.fd {
		if l.engine.halted.Load() {
			return gnet.ErrEngineShutdown
		}
		l.woken()
		return nil
	}
	s := l.engine.sockets.find(fd)
	if s == nil || s.loop != l {
		return nil // closed by an event of the same round, and perhaps another one's by now
	}
	began := l.enter()
	if what&(netpoll.WriteEvents|netpoll.ErrEvents) != 0 {
		s.writable()
	}
	if what&(netpoll.ReadEvents|netpoll.ErrEvents) != 0 {
		s.read()
	}
	if began {
		l.exit()
	}
	return nil
}
