package s2s_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/s2s"
	"github.com/xylem-im/xylem/stanza"
)

const second = int64(1e9)

// remote drives a Remote and notes its actions, one line each.
type remote struct {
	*s2s.Remote
	t   *testing.T
	now int64
	do  s2s.Actions
}

func newRemote(t *testing.T, change ...func(*s2s.RemoteConfig)) *remote {
	cfg := &s2s.RemoteConfig{
		Policy:     func(string) s2s.Policy { return s2s.Policy{} },
		Jitter:     func(int64) int64 { return 0 },
		QueueBytes: 1000, QueueStanzas: 10, QueueTime: 30 * second, Questions: 2,
		RetryLeast: second, RetryMost: 8 * second,
	}
	for _, f := range change {
		f(cfg)
	}
	return &remote{Remote: s2s.NewRemote(cfg, "far.example"), t: t, now: 1000 * second}
}

// want compares what is to be done since the last call.
func (r *remote) want(lines ...string) {
	r.t.Helper()
	var got []string
	for _, a := range r.do.List {
		got = append(got, line(a))
	}
	r.do.Reset()
	if g, w := strings.Join(got, "\n"), strings.Join(lines, "\n"); g != w {
		r.t.Fatalf("actions:\n%s\nwant:\n%s", g, w)
	}
}

func line(a s2s.Action) string {
	switch a.Kind {
	case s2s.ActionFind:
		return "find for " + a.Pair.Local
	case s2s.ActionDial:
		return fmt.Sprintf("dial %s for %s asks=%t", a.Targets[0].Host, a.Pair.Local, a.Asks)
	case s2s.ActionDeliver:
		return fmt.Sprintf("deliver %s from %s on %d", a.Stanza, a.Pair.Local, a.Ref)
	case s2s.ActionRequest:
		return fmt.Sprintf("request %s on %d", a.Pair.Local, a.Ref)
	case s2s.ActionAsk:
		return fmt.Sprintf("ask %s on %d", a.Verify.ID, a.Ref)
	case s2s.ActionAnswer:
		return fmt.Sprintf("answer %s to %d: %d %v", a.Verify.ID, a.Ref, a.Result, a.Err)
	case s2s.ActionSettle:
		return fmt.Sprintf("settle %s on %d", a.Pair.Local, a.Ref)
	case s2s.ActionBounce:
		return fmt.Sprintf("bounce %s: %s: %s", a.Stanza, a.Error.Condition, a.Error.Text)
	case s2s.ActionEnd:
		return fmt.Sprintf("end %d: %v", a.Ref, a.Err)
	}
	return "?"
}

func (r *remote) send(local, st string) {
	r.Send(r.now, local, []byte(st), s2s.Receipt{}, false, &r.do)
}
func (r *remote) back(local, st string)         { r.Send(r.now, local, []byte(st), s2s.Receipt{}, true, &r.do) }
func (r *remote) found(hosts ...string)         { r.Found(r.now, targets(hosts), nil, &r.do) }
func (r *remote) dialed(ref s2s.Ref)            { r.Dialed(r.now, ref, "192.0.2.1:5269", 0, nil, &r.do) }
func (r *remote) closed(ref s2s.Ref, e error)   { r.Closed(r.now, ref, e, &r.do) }
func (r *remote) settled(ref s2s.Ref, l string) { r.Settled(r.now, ref, l, &r.do) }
func (r *remote) tick(after int64)              { r.now += after; r.Tick(r.now, &r.do) }

func (r *remote) event(ref s2s.Ref, kind s2s.EventKind, local string, err error) {
	r.Event(r.now, ref, &s2s.Event{Kind: kind, Pair: s2s.Pair{Local: local, Remote: "far.example"}, Err: err}, &r.do)
}

func (r *remote) ready(ref s2s.Ref, local string) { r.event(ref, s2s.EventReady, local, nil) }

func targets(hosts []string) (list []s2s.Target) {
	for _, h := range hosts {
		list = append(list, s2s.Target{Host: h, Port: 5269})
	}
	return list
}

// connected is a Remote with a stream of ours, 7, that takes what a.example
// sends.
func connected(t *testing.T) *remote {
	r := newRemote(t)
	r.send("a.example", "1")
	r.found("h1")
	r.dialed(7)
	r.ready(7, "a.example")
	r.want("find for a.example", "dial h1 for a.example asks=false", "deliver 1 from a.example on 7")
	return r
}

func TestRemoteOneAttemptForAll(t *testing.T) {
	r := newRemote(t)
	r.send("a.example", "1")
	r.send("a.example", "2")
	r.send("b.example", "3")
	r.want("find for a.example")
	r.found("h1")
	r.send("a.example", "4")
	r.want("dial h1 for a.example asks=false")
	r.dialed(7)
	r.want()
	r.ready(7, "a.example")
	r.want("deliver 1 from a.example on 7", "deliver 2 from a.example on 7", "deliver 4 from a.example on 7", "request b.example on 7")
	r.ready(7, "b.example")
	r.want("deliver 3 from b.example on 7")
	if ref, ok := r.Route("b.example"); !ok || ref != 7 {
		t.Errorf("Route: %d, %t", ref, ok)
	}
}

func TestRemotePairThatNeedsAStreamOfItsOwn(t *testing.T) {
	r := connected(t)
	r.send("b.example", "2")
	r.want("request b.example on 7")
	r.Refused(r.now, 7, "b.example", &r.do)
	r.want("find for b.example")
	r.found("h1")
	r.dialed(8)
	r.ready(8, "b.example")
	r.want("dial h1 for b.example asks=false", "deliver 2 from b.example on 8")
	if got := r.Record(r.now); len(got.Streams) != 2 || got.State != s2s.Connected {
		t.Errorf("record: %+v", got)
	}
}

func TestRemoteTargetsOneAfterTheOther(t *testing.T) {
	r := newRemote(t)
	r.send("a.example", "1")
	r.found("h1", "h2", "h3")
	r.want("find for a.example", "dial h1 for a.example asks=false")
	r.Dialed(r.now, 7, "192.0.2.2:5269", 1, nil, &r.do) // h1 did not answer
	r.event(7, s2s.EventRefused, "a.example", errors.New("certificate expired"))
	r.want("end 7: certificate expired")
	r.closed(7, errors.New("ended by us"))
	r.want("dial h3 for a.example asks=false")
	r.dialed(8)
	r.closed(8, nil)
	r.want()
	rec := r.Record(r.now)
	if rec.State != s2s.BackingOff || rec.Failures != 1 || rec.NextTry != r.now+second || rec.Queued != 1 ||
		rec.LastError != "far.example closed the stream before anything was proved" {
		t.Errorf("record: %+v", rec)
	}
	var story []string
	for _, s := range rec.Steps {
		story = append(story, s.Text)
	}
	if got := strings.Join(story, "; "); got != "certificate expired; "+
		"far.example closed the stream before anything was proved; given up: far.example closed the stream before anything was proved" {
		t.Errorf("story: %s", got)
	}
	r.tick(second)
	r.want("find for a.example")
}

func TestRemoteReturnsWhatWaitedWhenPatienceEnds(t *testing.T) {
	r := newRemote(t)
	down := errors.New("connection refused")
	r.send("a.example", "1")
	r.want("find for a.example")
	for i, wait := range []int64{1, 2} {
		r.Found(r.now, nil, down, &r.do)
		r.want()
		r.tick(wait*second - 1)
		r.want()
		r.tick(1)
		r.want("find for a.example")
		if got := r.Record(r.now).Failures; got != i+1 {
			t.Fatalf("failures: %d, want %d", got, i+1)
		}
	}
	r.Found(r.now, nil, down, &r.do)
	r.want("bounce 1: remote-server-timeout: connection refused")
	r.send("a.example", "2") // at once, until the next attempt is due
	r.want("bounce 2: remote-server-timeout: connection refused")
	if s := r.Record(r.now).State; s != s2s.Refusing {
		t.Errorf("state %v", s)
	}
	r.now += 4 * second
	r.send("a.example", "3")
	r.want("find for a.example")
	r.found("h1")
	r.dialed(7)
	r.ready(7, "a.example")
	r.want("dial h1 for a.example asks=false", "deliver 3 from a.example on 7")
	if rec := r.Record(r.now); rec.Failures != 0 || rec.State != s2s.Connected {
		t.Errorf("record: %+v", rec)
	}
}

func TestRemoteWithoutServiceIsToldAtOnce(t *testing.T) {
	r := newRemote(t)
	r.send("a.example", "1")
	r.Found(r.now, nil, fmt.Errorf("far.example: %w", s2s.ErrNoService), &r.do)
	r.send("a.example", "2")
	const why = "remote-server-not-found: far.example: s2s: the domain offers no service to other servers"
	r.want("find for a.example", "bounce 1: "+why, "bounce 2: "+why)
}

func TestRemoteBounds(t *testing.T) {
	r := newRemote(t)
	for i := range 11 {
		r.send("a.example", fmt.Sprint(i))
	}
	r.want("find for a.example", "bounce 10: resource-constraint: too much waits for far.example")
	r = newRemote(t)
	r.send("a.example", strings.Repeat("x", 900))
	r.send("a.example", strings.Repeat("y", 101))
	r.want("find for a.example", "bounce "+strings.Repeat("y", 101)+": resource-constraint: too much waits for far.example")
	r.send("a.example", "z")
	if due := r.Deadline(); due != r.now+30*second {
		t.Errorf("deadline in %d", due-r.now)
	}
	r.tick(15 * second)
	r.send("a.example", "later")
	r.tick(15*second + 1)
	const late = ": remote-server-timeout: far.example could not be reached in time"
	r.want("bounce "+strings.Repeat("x", 900)+late, "bounce z"+late)
	if rec := r.Record(r.now); rec.Queued != 1 || rec.QueuedBytes != len("later") {
		t.Errorf("record: %+v", rec)
	}
}

func TestRemoteDenied(t *testing.T) {
	r := newRemote(t, func(c *s2s.RemoteConfig) { c.Policy = func(string) s2s.Policy { return s2s.Policy{Denied: true} } })
	r.send("a.example", "1")
	r.want("bounce 1: not-allowed: this server does not federate with far.example")
}

// What a stream leaves goes before what was sent after its end, whatever the
// order in which it comes.
func TestRemoteKeepsTheOrderAcrossStreams(t *testing.T) {
	r := connected(t)
	r.send("a.example", "2")
	r.want("deliver 2 from a.example on 7")
	r.Return(r.now, "a.example", []byte("1"), s2s.Receipt{})
	r.closed(7, errors.New("reset"))
	r.want("settle a.example on 7")
	r.send("a.example", "4") // sent since
	r.back("a.example", "2") // was on its way to the stream
	r.back("a.example", "3")
	r.want()
	r.settled(7, "a.example")
	r.want("find for a.example")
	r.found("h1")
	r.dialed(8)
	r.ready(8, "a.example")
	r.want("dial h1 for a.example asks=false", "deliver 1 from a.example on 8", "deliver 2 from a.example on 8",
		"deliver 3 from a.example on 8", "deliver 4 from a.example on 8")
	if rec := r.Record(r.now); rec.Queued != 0 || rec.QueuedBytes != 0 || rec.LastError != "reset" {
		t.Errorf("record: %+v", rec)
	}
}

func TestRemoteSettlesOnAStreamThatIsReadySince(t *testing.T) {
	r := connected(t)
	r.closed(7, nil)
	r.Joined(r.now, s2s.StreamRecord{Ref: 9})
	r.ready(9, "a.example")
	r.send("a.example", "2")
	r.want("settle a.example on 7")
	r.settled(7, "a.example")
	r.want("deliver 2 from a.example on 9")
}

func TestRemoteUsesABidirectionalStreamOfThePeer(t *testing.T) {
	r := newRemote(t)
	r.Joined(r.now, s2s.StreamRecord{Ref: 9})
	r.event(9, s2s.EventAuthorized, "a.example", nil)
	if s := r.Record(r.now).State; s != s2s.Receiving {
		t.Errorf("state %v", s)
	}
	r.ready(9, "a.example")
	r.send("a.example", "1")
	r.want("deliver 1 from a.example on 9")
	r.send("b.example", "2") // proved for a.example only
	r.want("find for b.example")
}

func TestRemoteQuestions(t *testing.T) {
	r := newRemote(t)
	verify := func(id string, from s2s.Ref) {
		r.Verify(r.now, s2s.Verify{Pair: s2s.Pair{Local: "a.example", Remote: "far.example"}, ID: id}, from, &r.do)
	}
	answer := func(id string) {
		r.Event(r.now, 7, &s2s.Event{Kind: s2s.EventVerified, Result: s2s.Valid,
			Verify: s2s.Verify{Pair: s2s.Pair{Local: "a.example", Remote: "far.example"}, ID: id}}, &r.do)
	}
	verify("x", 21)
	verify("y", 22)
	verify("z", 23)
	r.want("find for a.example", "answer z to 23: 2 too many dialback questions wait for far.example")
	r.found("h1")
	r.dialed(7)
	r.want("dial h1 for a.example asks=true", "ask x on 7", "ask y on 7")
	answer("y")
	answer("y") // nobody asks any more
	r.want("answer y to 22: 1 <nil>")
	r.send("a.example", "1") // the same stream will do
	r.want("request a.example on 7")
	r.closed(7, nil)
	r.want("answer x to 21: 2 far.example closed the stream without an answer", "find for a.example")
	r.Found(r.now, nil, errors.New("timeout"), &r.do)
	verify("v", 24)
	r.want() // it waits for the next attempt
	r.tick(second)
	r.want("find for a.example")
	r.Found(r.now, nil, errors.New("timeout"), &r.do)
	r.want("answer v to 24: 2 timeout")
}

func TestRemoteRefusedPairGetsAStreamOfItsOwn(t *testing.T) {
	r := connected(t)
	r.send("b.example", "2")
	no := stanza.StreamError{Condition: stanza.StreamNotAuthorized}
	r.event(7, s2s.EventRefused, "b.example", no)
	r.want("request b.example on 7", "find for b.example")
	r.send("a.example", "3")
	r.want("deliver 3 from a.example on 7")
	r.found("h1")
	r.dialed(8)
	r.event(8, s2s.EventRefused, "b.example", no)
	r.want("dial h1 for b.example asks=false", "end 8: "+no.Error())
	for range 2 {
		r.closed(8, no)
		r.want()
		r.tick(8 * second)
		r.found("h1")
		r.dialed(8)
		r.event(8, s2s.EventRefused, "b.example", no)
		r.want("find for b.example", "dial h1 for b.example asks=false", "end 8: "+no.Error())
	}
	r.closed(8, no)
	r.want("bounce 2: remote-server-timeout: " + no.Error())
}

func TestRemoteIsForgottenWhenNothingNeedsIt(t *testing.T) {
	r := connected(t)
	if r.Idle(r.now + second) {
		t.Error("idle with a stream")
	}
	r.closed(7, nil)
	r.settled(7, "a.example")
	if r.Idle(r.now) || !r.Idle(r.now+1) {
		t.Error("not idle after its last use")
	}
}

// A peer that does not take one of our domains is no reason to give up for the
// others.
func TestRemoteTroubleOfOneLocalDomain(t *testing.T) {
	r := newRemote(t)
	fail := func(ref s2s.Ref) {
		r.found("h1")
		r.dialed(ref)
		r.closed(ref, errors.New("expired"))
	}
	r.send("bad.example", "1")
	fail(7)
	r.want("find for bad.example", "dial h1 for bad.example asks=false")
	r.tick(second)
	fail(8)
	r.want("find for bad.example", "dial h1 for bad.example asks=false")
	r.send("good.example", "2") // although the attempt for the other waits
	r.want("find for good.example")
	r.found("h1")
	r.dialed(9)
	r.ready(9, "good.example")
	r.want("dial h1 for good.example asks=false", "deliver 2 from good.example on 9")
	r.tick(2 * second)
	r.want("request bad.example on 9") // there is a stream now
	r.event(9, s2s.EventRefused, "bad.example", errors.New("expired"))
	r.want("find for bad.example")
	fail(10)
	r.want("dial h1 for bad.example asks=false", "bounce 1: remote-server-timeout: expired")
	r.send("bad.example", "3")
	r.send("good.example", "4")
	r.want("bounce 3: remote-server-timeout: expired", "deliver 4 from good.example on 9")
	if rec := r.Record(r.now); rec.State != s2s.Connected || rec.Failures != 3 || rec.LastError != "expired" || rec.NextTry <= r.now {
		t.Errorf("record: %+v", rec)
	}
	r.closed(9, nil)
	r.settled(9, "good.example")
	r.want("settle good.example on 9")
	r.send("good.example", "5")
	r.want("find for good.example")
	r.Found(r.now, nil, errors.New("no answer of DNS"), &r.do)
	r.want()
	r.tick(4 * second)
	r.want("find for good.example") // the first failure of its kind
	r.found("h1")
	r.dialed(11)
	r.ready(11, "good.example")
	r.want("dial h1 for good.example asks=false", "deliver 5 from good.example on 11")
	r.send("bad.example", "6")
	r.want("find for bad.example") // its time has come, on a stream of its own
	r.found("h1")
	r.dialed(12)
	r.ready(12, "bad.example")
	r.want("dial h1 for bad.example asks=false", "deliver 6 from bad.example on 12")
	if rec := r.Record(r.now); rec.Failures != 0 || rec.NextTry != 0 {
		t.Errorf("record: %+v", rec)
	}
}
