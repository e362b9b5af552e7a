package relay

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"github.com/panjf2000/gnet/v2"
)

// A group is those who follow, by the loop that they are on.
type group struct {
	mu    sync.Mutex // taken once for a message, not for each follower
	parts []*part
}

// A part is the followers of one loop. Its list belongs to that loop.
type part struct {
	loop      gnet.EventLoop
	followers []*link
}

// group makes the one of that name at the first use.
func (s *server) group(name string) *group {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[name]
	if g == nil {
		g = &group{}
		s.groups[name] = g
	}
	return g
}

// add and remove are called on the loop of l.
func (g *group) add(l *link) {
	p := g.part(l.loop)
	p.followers = append(p.followers, l)
}

func (g *group) remove(l *link) {
	p := g.part(l.loop)
	p.followers = slices.DeleteFunc(p.followers, func(f *link) bool { return f == l })
}

// part makes that of a loop at the first use.
func (g *group) part(loop gnet.EventLoop) *part {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range g.parts {
		if p.loop == loop {
			return p
		}
	}
	p := &part{loop: loop}
	g.parts = append(g.parts, p)
	return p
}

// publish writes data to all followers: at once to those of the same loop, and
// with one copy and one wake-up for each other loop.
func (g *group) publish(from gnet.EventLoop, data []byte) {
	g.mu.Lock()
	parts := g.parts // only grows
	g.mu.Unlock()
	for _, p := range parts {
		if p.loop == from {
			p.write(data)
			continue
		}
		kept := bytes.Clone(data)
		_ = p.loop.Execute(context.Background(), gnet.RunnableFunc(func(context.Context) error { // fails when the relay stops
			p.write(kept)
			return nil
		}))
	}
}

// write runs on the part's loop.
func (p *part) write(data []byte) {
	for _, l := range slices.Backward(p.followers) { // a failed write removes its link
		_, _ = l.conn.Write(data) // gnet closes what cannot be written to
	}
}
