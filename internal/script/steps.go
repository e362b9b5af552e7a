package script

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// perform carries out one step.
func (s *stage) perform(st *step) error {
	if st.verb == connects || st.verb == cannotConnect {
		return s.connect(st)
	}
	a := s.actors[st.who]
	if a == nil {
		return fmt.Errorf("%s is not connected", st.who.name)
	}
	switch st.verb {
	case sends:
		text, err := s.vars.fill(st.text, s.fresh)
		if err != nil {
			return err
		}
		return a.conn.send(text)
	case receives, receivesAnyhow:
		return s.receive(a, st)
	case receivesNothing:
		return s.receiveNothing(a, st)
	case syncs:
		return s.barrier([]*actor{a})
	case startsTLS:
		if s.opts.TLS == nil {
			return errors.New("no TLS in this performance")
		}
		return a.conn.startTLS(s.opts.tlsFor(&role{domain: "localhost"}))
	case isDisconnected:
		return s.expectEnd(a, st)
	case disconnects:
		return s.disconnect(a, st)
	case drops:
		a.conn.close()
		delete(s.actors, st.who)
	}
	return nil
}

func (s *stage) connect(st *step) error {
	if s.actors[st.who] != nil {
		return fmt.Errorf("%s is connected already", st.who.name)
	}
	name := st.who.name
	a := &actor{role: st.who, conn: newConn(s.opts.Dial(st.who.domain), s.opts.Timeout, func(arrow, text string) { s.note(name, arrow, text) })}
	s.actors[st.who] = a
	if st.who.raw {
		return nil
	}
	full, err := (&login{conn: a.conn, role: st.who, opts: &s.opts}).run()
	if st.verb == cannotConnect {
		return s.matchRefusal(a, st, err)
	}
	if err != nil {
		return fmt.Errorf("%s connects: %w", name, err)
	}
	a.jid, a.bound = full, true
	s.vars.setAddress(name, full)
	return nil
}

// matchRefusal compares what ended a login with what was expected to.
func (s *stage) matchRefusal(a *actor, st *step, err error) error {
	var r *refused
	if !errors.As(err, &r) {
		if err == nil {
			err = errors.New("it was let in")
		}
		return fmt.Errorf("%s cannot connect: expected to be refused: %w", a.role.name, err)
	}
	delete(s.actors, st.who)
	defer a.conn.close()
	return s.compare(a, st, []event{r.ev})
}

// compare takes what was received in a step's place: it remembers, rewrites or fails.
func (s *stage) compare(a *actor, st *step, got []event) error {
	next, err := matchEvents(st.want, got, st.verb == receivesAnyhow, s.vars)
	if err == nil {
		s.vars = next
		return nil
	}
	if s.opts.Rewrite {
		s.replace(st, got)
		return nil
	}
	return fmt.Errorf("%s %s: %w\nexpected:\n\t%s\nreceived:\n\t%s", a.role.name, st.verb, err,
		strings.Join(renderAll(st.want), "\n\t"), strings.Join(renderAll(got), "\n\t"))
}

// receive takes as many events as are expected. When rewriting it first waits
// until everything has come, so that one that never comes costs no time.
func (s *stage) receive(a *actor, st *step) error {
	n := len(st.want)
	if s.opts.Rewrite && a.bound && !a.conn.hasEnded() {
		if err := s.barrier(s.bound()); err != nil {
			return err
		}
		if n == 0 || n > a.conn.waiting() {
			n = a.conn.waiting()
		}
	}
	if n == 0 && len(st.want) == 0 && !s.opts.Rewrite {
		return fmt.Errorf("%s receives: the block is empty; rewriting fills it", a.role.name)
	}
	var got []event
	for range n {
		ev, err := a.conn.next()
		if err != nil {
			if cmp := s.compare(a, st, got); cmp != nil {
				return fmt.Errorf("%w\n(%w)", cmp, err)
			}
			return nil
		}
		got = append(got, ev)
		if ev.kind == ended {
			break
		}
	}
	return s.compare(a, st, got)
}

func (s *stage) receiveNothing(a *actor, st *step) error {
	if err := s.barrier(s.bound()); err != nil {
		return err
	}
	return s.unexpected(a, st, string(st.verb), true)
}

// unexpected fails, or rewrites, if something came that no step expected. own
// says that the step itself becomes what was received.
func (s *stage) unexpected(a *actor, st *step, doing string, own bool) error {
	n := a.conn.waiting()
	if n == 0 {
		return nil
	}
	var got []event
	for range n {
		ev, err := a.conn.next()
		if err != nil {
			return err
		}
		got = append(got, ev)
	}
	if s.opts.Rewrite {
		s.insert(a, st, got, own)
		return nil
	}
	return fmt.Errorf("%s %s, but received:\n\t%s", a.role.name, doing, strings.Join(renderAll(got), "\n\t"))
}

func (s *stage) expectEnd(a *actor, st *step) error {
	for {
		ev, err := a.conn.next()
		if err != nil {
			return fmt.Errorf("%s %s: %w", a.role.name, st.verb, err)
		}
		if ev.kind == ended {
			a.conn.close()
			delete(s.actors, st.who)
			return nil
		}
		if !s.opts.Rewrite {
			return fmt.Errorf("%s %s, but received first:\n\t%s", a.role.name, st.verb, strings.Join(render(ev), "\n\t"))
		}
		s.insert(a, st, []event{ev}, false)
	}
}

// disconnect closes the stream from this side. What comes before the server's
// answer was not expected by any step.
func (s *stage) disconnect(a *actor, st *step) error {
	if err := a.conn.send("</stream:stream>"); err != nil {
		return err
	}
	err := a.conn.wait(func(ev event) (stop, take bool) { return ev.kind == footer, ev.kind == footer })
	if err != nil {
		return fmt.Errorf("%s disconnects: %w", a.role.name, err)
	}
	if err := s.unexpected(a, st, "disconnects", false); err != nil {
		return err
	}
	ev, err := a.conn.next()
	if err != nil || ev.kind != ended || ev.err != io.EOF {
		return fmt.Errorf("%s disconnects: the connection should end in order: %v %w", a.role.name, ev.err, err)
	}
	a.conn.close()
	delete(s.actors, st.who)
	return nil
}

// curtain ends the play: nothing may be left that no step expected.
func (s *stage) curtain() error {
	last := &step{blockFrom: len(s.play.lines), blockTo: len(s.play.lines)}
	if err := s.barrier(s.bound()); err != nil {
		return err
	}
	for _, r := range s.play.cast {
		if a := s.actors[r]; a != nil {
			if err := s.unexpected(a, last, "had nothing more to receive", false); err != nil {
				return err
			}
		}
	}
	return nil
}
