package script

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"
)

// bound lists those who have a resource and a living connection, in cast order.
func (s *stage) bound() []*actor {
	var list []*actor
	for _, r := range s.play.cast {
		if a := s.actors[r]; a != nil && a.bound && !a.conn.hasEnded() {
			list = append(list, a)
		}
	}
	return list
}

// barrier returns when all that the actors sent before has had its effect on
// each of them. Between several servers one effect may be the cause of the
// next, at another server, and all of it takes part in a mark's way only after
// some rounds: a request for presence, an answer, a probe, its answer.
func (s *stage) barrier(actors []*actor) error {
	rounds := 1
	for _, a := range actors {
		if a.role.domain != actors[0].role.domain {
			rounds = 4
		}
	}
	for range rounds {
		if err := s.round(actors); err != nil {
			return err
		}
	}
	return nil
}

// round makes one barrier: each asks its server something and sends the others a mark;
// what RFC 6120 §10.1 says of order does the rest. No clock is involved. Marks
// are headlines to full JIDs, which no server stores or copies; one that is
// refused is as good, the refusal came in order too.
func (s *stage) round(actors []*actor) error {
	s.ids++
	id := fmt.Sprintf("sync-%d", s.ids)
	for _, a := range actors {
		for _, other := range actors {
			if other == a {
				continue
			}
			mark := fmt.Sprintf("<message type='headline' to='%s' id='%s'><sync xmlns='%s' from='%s'/></message>",
				escape(other.jid), id, nsSync, escape(a.jid))
			if err := a.conn.send(mark); err != nil {
				return err
			}
		}
		if err := a.conn.send(fmt.Sprintf("<iq type='get' id='%s'><sync xmlns='%s'/></iq>", id, nsSync)); err != nil {
			return err
		}
	}
	missing := map[[2]string]bool{} // sender, recipient of each mark
	for _, a := range actors {
		for _, b := range actors {
			missing[[2]string{a.jid, b.jid}] = true
		}
	}
	return s.collectAll(actors, id, missing)
}

// collectAll reads what comes to all of them until no mark is missing: one that
// is refused comes back to its sender, for whose refusal its recipient waits.
func (s *stage) collectAll(actors []*actor, id string, missing map[[2]string]bool) error {
	arrivals := make([]reflect.SelectCase, len(actors), len(actors)+1)
	for i, a := range actors {
		arrivals[i] = reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(a.conn.arrived)}
	}
	deadline := time.NewTimer(s.opts.Timeout)
	defer deadline.Stop()
	arrivals = append(arrivals, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(deadline.C)})
	for {
		for _, a := range actors {
			ended := a.conn.sift(func(ev event) (stop, take bool) {
				return false, ev.kind == stanza && a.collect(ev.elem, id, missing)
			})
			for pair := range missing {
				if ended && (pair[0] == a.jid || pair[1] == a.jid) {
					delete(missing, pair)
				}
			}
		}
		if len(missing) == 0 {
			return nil
		}
		if chosen, _, _ := reflect.Select(arrivals); chosen == len(actors) {
			return fmt.Errorf("the marks of these did not come: %v", slices.Collect(maps.Keys(missing)))
		}
	}
}

// collect strikes out what e answers and reports whether it was part of the barrier.
func (a *actor) collect(e *element, id string, missing map[[2]string]bool) bool {
	if e.attr("id") != id {
		return false
	}
	switch {
	case e.is(nsClient, "iq"):
		delete(missing, [2]string{a.jid, a.jid})
	case e.attr("type") == "error": // our mark came back
		delete(missing, [2]string{a.jid, e.attr("from")})
	default:
		delete(missing, [2]string{e.attr("from"), a.jid})
	}
	return true
}
