package s2s_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/xylem-im/xylem/s2s"
)

var errDown = errors.New("connection refused")

// A remote server that is started anew: what is sent meanwhile waits, and it is tried
// again at the same pace until it is there.
func TestRemoteThatIsStartedAnew(t *testing.T) {
	r := connected(t)
	r.closed(7, errors.New("connection reset"))
	r.settled(7, "a.example")
	r.want("settle a.example on 7")
	for i := range 10 {
		st := fmt.Sprint(i)
		if r.send("a.example", st); i == 0 {
			r.want("find for a.example")
		} else {
			r.want()
		}
		r.Found(r.now, nil, errDown, &r.do)
		r.want()
		r.tick(second - 1)
		r.want()
		r.tick(1)
		r.want("find for a.example")
	}
	if rec := r.Record(r.now); rec.Failures != 10 || rec.State != s2s.Connecting || rec.Queued != 10 {
		t.Errorf("record: %+v", rec)
	}
	r.found("h1")
	r.dialed(8)
	r.ready(8, "a.example")
	want := []string{"dial h1 for a.example asks=false"}
	for i := range 10 {
		want = append(want, fmt.Sprintf("deliver %d from a.example on 8", i))
	}
	r.want(want...)
}

// One that is not back after half a minute is given up like any other, and so is one
// that takes connections without taking the domain.
func TestRemoteThatDoesNotComeBack(t *testing.T) {
	for _, c := range []struct {
		name string
		fail func(r *remote)
	}{
		{"nothing listens", func(r *remote) { r.Found(r.now, nil, errDown, &r.do) }},
		{"it ends streams", func(r *remote) { r.found("h1"); r.dialed(8); r.do.Reset(); r.closed(8, errDown) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			var reports []int
			r := newRemote(t, func(cfg *s2s.RemoteConfig) {
				cfg.QueueTime = 100 * second
				cfg.Ended = func(_ string, failures int, notable bool, err error) {
					if notable {
						reports = append(reports, failures)
					}
				}
			})
			r.send("a.example", "0")
			r.found("h1")
			r.dialed(7)
			r.ready(7, "a.example")
			r.closed(7, errors.New("connection reset"))
			r.settled(7, "a.example")
			r.do.Reset()
			r.send("a.example", "1")
			for range 30 { // in the 30 seconds, from 0 to 29
				r.want("find for a.example")
				c.fail(r)
				r.want()
				r.tick(second)
			}
			for _, pause := range []int64{1, 2} {
				r.want("find for a.example")
				c.fail(r)
				r.want()
				r.tick(pause*second - 1)
				r.want()
				r.tick(1)
			}
			r.want("find for a.example")
			c.fail(r)
			r.want("bounce 1: remote-server-timeout: connection refused")
			r.send("a.example", "2")
			r.want("bounce 2: remote-server-timeout: connection refused")
			if got := fmt.Sprint(reports); got != "[1 33]" {
				t.Errorf("reported are failures %s, want the first and the one that ended patience", got)
			}
		})
	}
}

// refusing is a Remote that has given up its domain, and would not try again for
// eight seconds.
func refusing(t *testing.T) *remote {
	r := newRemote(t)
	r.send("a.example", "1")
	for _, pause := range []int64{1, 2, 4} {
		r.Found(r.now, nil, errDown, &r.do)
		r.tick(pause * second)
		r.send("a.example", "1")
	}
	r.Found(r.now, nil, errDown, &r.do)
	r.do.Reset()
	if rec := r.Record(r.now); rec.State != s2s.Refusing || rec.NextTry != r.now+8*second {
		t.Fatalf("record: %+v", rec)
	}
	return r
}

// A domain that was given up and comes to us is up: what is for it is not refused
// any longer.
func TestRemoteThatComesToUsIsTried(t *testing.T) {
	r := refusing(t)
	r.Joined(r.now, s2s.StreamRecord{Ref: 9})
	r.event(9, s2s.EventAuthorized, "a.example", nil)
	r.send("a.example", "2")
	r.want("find for a.example")
	r.Found(r.now, nil, errDown, &r.do) // but cannot be reached
	r.send("a.example", "3")
	const why = ": remote-server-timeout: connection refused"
	r.want("bounce 2"+why, "bounce 3"+why)
}

// Who says to be a domain that was given up is looked at after the least pause, and does
// not lengthen the pauses of others.
func TestRemoteQuestionsBetweenAttempts(t *testing.T) {
	r := refusing(t)
	next := r.Record(r.now).NextTry
	ask := func(id string) {
		r.Verify(r.now, s2s.Verify{Pair: s2s.Pair{Local: "b.example", Remote: "far.example"}, ID: id}, 21, &r.do)
	}
	ask("x")
	r.want()
	if r.Idle(r.now + 100*second) {
		t.Error("idle with a question")
	}
	for range 2 {
		if due := r.Deadline(); due != r.now+second {
			t.Fatalf("deadline in %d", due-r.now)
		}
		r.tick(second)
		r.want("find for b.example")
		r.Found(r.now, nil, errDown, &r.do)
		r.want("answer x to 21: 2 connection refused")
		if rec := r.Record(r.now); rec.NextTry != next || rec.Failures != 4 {
			t.Errorf("record: %+v", rec)
		}
		ask("x")
		r.want()
	}
	r.tick(second)
	r.found("h1")
	r.dialed(7)
	r.want("find for b.example", "dial h1 for b.example asks=true", "ask x on 7")
}

// A configuration that is read anew does not leave questions behind.
func TestRemoteRecheckOfQuestions(t *testing.T) {
	r := refusing(t)
	r.Verify(r.now, s2s.Verify{Pair: s2s.Pair{Local: "b.example", Remote: "far.example"}, ID: "x"}, 21, &r.do)
	r.Recheck(r.now, &r.do)
	r.want("find for b.example")
}
