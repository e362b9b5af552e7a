package s2s_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/s2s"
	"github.com/xylem-im/xylem/stanza"
)

// A stanza whose sender waits is asked for at once, and settled when the peer has
// dealt with it.
func TestReceipts(t *testing.T) {
	k := managedTalk(t)
	send := func(seq uint32) {
		k.a.Deliver(k.now, toB, []byte(message), s2s.Receipt{Origin: 1, Seq: seq}, k.a.begin())
		k.a.took(k.b, []byte(message))
	}
	k.deliver(k.a, "a.example", "b.example", message) // nobody waits for it
	send(7)
	send(8)
	if !strings.HasSuffix(string(k.a.wire), message+s2s.AskRequest+message) {
		t.Errorf("sent: %s", k.a.wire)
	}
	if k.a.settled != nil || k.a.Awaited() != 2 {
		t.Errorf("settled before it was acknowledged: %d; %d are waited for", k.a.settled, k.a.Awaited())
	}
	k.run()
	if !slices.Equal(k.a.settled, []uint32{7, 8}) || k.a.Awaited() != 0 {
		t.Errorf("settled %d, want 7 and 8; %d are waited for", k.a.settled, k.a.Awaited())
	}
}

// What the peer has not acknowledged comes back with its receipt.
func TestReceiptsOfUnacknowledged(t *testing.T) {
	k := managedTalk(t)
	for _, rc := range []s2s.Receipt{{}, {Origin: 1, Seq: 7}} {
		k.a.Deliver(k.now, toB, []byte(message), rc, k.a.begin())
	}
	var got []uint32
	k.a.Unacked(func(_ s2s.Pair, _ []byte, rc s2s.Receipt) bool {
		got = append(got, rc.Seq)
		return true
	})
	if !slices.Equal(got, []uint32{0, 7}) {
		t.Errorf("got %d", got)
	}
}

// Without stream management nobody can know more than that it was written.
func TestReceiptsWithoutStreamManagement(t *testing.T) {
	k := newTalk(t, []string{"a.example"}, []string{"b.example"}, unmanaged)
	k.open(false)
	k.a.Deliver(k.now, toB, []byte(message), s2s.Receipt{Origin: 1, Seq: 7}, k.a.begin())
	k.a.took(k.b, []byte(message))
	if !slices.Equal(k.a.settled, []uint32{7}) {
		t.Errorf("settled %d", k.a.settled)
	}
}

// When the engine stops what waits is returned, and so is what comes later; what
// may have arrived is left to who waits for a receipt.
func TestRemoteStop(t *testing.T) {
	var do s2s.Actions
	cfg := &s2s.RemoteConfig{Policy: func(string) s2s.Policy { return s2s.Policy{} }, Jitter: func(int64) int64 { return 0 },
		QueueBytes: 1000, QueueStanzas: 10, QueueTime: 60 * second, RetryLeast: 30 * second, RetryMost: 60 * second}
	r := s2s.NewRemote(cfg, "b.example")
	now := 1000 * second
	bounced := func() (list []string) {
		for _, a := range do.List {
			if a.Kind == s2s.ActionBounce {
				list = append(list, string(a.Stanza)+" "+string(a.Error.Condition))
			}
		}
		do.Reset()
		return list
	}
	want := func(list ...string) {
		t.Helper()
		if got := bounced(); !slices.Equal(got, list) {
			t.Errorf("returned %q, want %q", got, list)
		}
	}
	r.Send(now, "a.example", []byte("1"), s2s.Receipt{Origin: 1, Seq: 1}, false, &do)
	if n := r.Unsent(now + second); n != 1 {
		t.Errorf("%d may still be sent, while a server is looked for", n)
	}
	r.Found(now, nil, s2s.ErrNoService, &do)
	bounced()
	r.Send(now+40*second, "a.example", []byte("2"), s2s.Receipt{}, false, &do)
	r.Found(now+40*second, []s2s.Target{{Host: "h"}}, nil, &do)
	r.Dialed(now+40*second, 0, "", 0, stanza.Error{Condition: stanza.RemoteServerTimeout}, &do)
	if n := r.Unsent(now + 41*second); n != 0 {
		t.Errorf("%d may still be sent, though the next attempt is later", n)
	}
	if n := r.Stop(&do); n != 1 {
		t.Errorf("%d returned", n)
	}
	want("2 remote-server-timeout")
	r.Send(now, "a.example", []byte("3"), s2s.Receipt{}, false, &do)
	want("3 remote-server-timeout")
	r.Return(now, "a.example", []byte("4"), s2s.Receipt{Origin: 1, Seq: 2})
	r.Return(now, "a.example", []byte("5"), s2s.Receipt{})
	r.Closed(now, 9, nil, &do)
	want("5 remote-server-timeout")
}
