package load_test

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/xylem-im/xylem/bench/client"
	"github.com/xylem-im/xylem/bench/load"
)

// drive runs one phase of a job in a Worker, ends f, and returns the phase's result.
func drive(t *testing.T, f *fake, s load.Settings) *load.Result {
	t.Helper()
	job := jobOf(f, s)
	in, commands := io.Pipe()
	events, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- load.Serve(context.Background(), in, out)
		_ = out.Close()
	}()
	send, receive := json.NewEncoder(commands), json.NewDecoder(events)
	ask := func(c any, want string) load.Event {
		t.Helper()
		if err := send.Encode(c); err != nil {
			t.Fatal(err)
		}
		for {
			var e load.Event
			if err := receive.Decode(&e); err != nil {
				t.Fatal(err)
			}
			if e.Is == "progress" {
				continue
			}
			if e.Is != want {
				t.Fatalf("got %s (%s), want %s", e.Is, e.Error, want)
			}
			return e
		}
	}
	if err := send.Encode(job); err != nil {
		t.Fatal(err)
	}
	ask(load.Command{Do: "connect", Count: s.Sessions}, "connected")
	from := time.Now().UnixNano() - job.Epoch
	e := ask(load.Command{Do: "run", From: from, To: from + int64(s.Duration)}, "done")
	if err := send.Encode(load.Command{Do: "quit"}); err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, events) // the last progress
	if err := <-done; err != nil {
		t.Error(err)
	}
	f.end()
	return e.Result
}

// A worker that is told to quit, or whose conductor is gone, ends in the middle
// of a phase, however long that is.
func TestQuitEndsAPhase(t *testing.T) {
	for name, end := range map[string]func(*json.Encoder, io.Closer) error{
		"quit": func(to *json.Encoder, _ io.Closer) error { return to.Encode(load.Command{Do: "quit"}) },
		"gone": func(_ *json.Encoder, in io.Closer) error { return in.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			s := chat(0)
			s.Duration = time.Hour
			job := jobOf(startFake(t, func(_ int, m string) []string { return as(m) }), s)
			in, commands := io.Pipe()
			events, out := io.Pipe()
			done := make(chan error, 1)
			go func() {
				done <- load.Serve(context.Background(), in, out)
				_ = out.Close()
			}()
			send, receive := json.NewEncoder(commands), json.NewDecoder(events)
			for _, c := range []any{job, load.Command{Do: "connect", Count: s.Sessions}, load.Command{Do: "run", To: int64(s.Duration)}} {
				if err := send.Encode(c); err != nil {
					t.Fatal(err)
				}
			}
			for {
				var e load.Event
				if err := receive.Decode(&e); err != nil {
					t.Fatal(err)
				}
				if e.Counters[load.CountDelivered] > 0 {
					break
				}
			}
			go io.Copy(io.Discard, events)
			if err := end(send, commands); err != nil {
				t.Fatal(err)
			}
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

func jobOf(f *fake, s load.Settings) load.Job {
	return load.Job{Settings: s, Address: f.address, Domain: "localhost", Accounts: client.Accounts{User: "u%d", Password: "p"},
		Count: s.Sessions, Share: 1, Epoch: time.Now().UnixNano(), Run: "test"}
}

func chat(rate float64) load.Settings {
	return load.Settings{Scenario: load.Chat, Sessions: 4, Payload: 300, Window: 2, Rate: rate, Duration: 300 * time.Millisecond, Parallel: 2}
}

func as(list ...string) []string { return list }

// enough drives windows, each twice as long as the one before, until a result has
// what ok asks for: on a busy machine a worker may begin late, and send little.
func enough(t *testing.T, s load.Settings, start func(window time.Duration) *fake, ok func(*load.Result) bool) *load.Result {
	t.Helper()
	for range 7 {
		r := drive(t, start(s.Duration), s)
		if ok(r) {
			return r
		}
		s.Duration *= 2
	}
	t.Fatalf("not enough happens in a window of %v", s.Duration/2)
	return nil
}

// faults makes one of each ten messages to a receiver suffer, and counts how many did.
type faults struct {
	kind string
	done int64
	held string
}

func (f *faults) fate(n int, m string) []string {
	switch {
	case f.kind == load.CountLost && n%10 == 3:
		f.done++
		return nil
	case f.kind == load.CountDuplicated && n%10 == 3:
		f.done++
		return as(m, m)
	case f.kind == load.CountReordered && !strings.Contains(m, "to='u1@"): // so that the one that is held is the receiver's own
	case f.kind == load.CountReordered && n%10 == 3:
		f.held = m
		return nil
	case f.kind == load.CountReordered && n%10 == 4:
		f.done++
		held := f.held
		f.held = ""
		return as(m, held)
	}
	return as(m)
}

// What happens to messages on the way is counted as what it is.
func TestFaultsAreCounted(t *testing.T) {
	for _, kind := range []string{load.CountLost, load.CountDuplicated, load.CountReordered} {
		t.Run(kind, func(t *testing.T) {
			var f *faults
			r := enough(t, chat(1000), func(time.Duration) *fake {
				f = &faults{kind: kind}
				return startFake(t, f.fate)
			}, func(*load.Result) bool { return f.done >= 5 })
			want := map[string]int64{kind: f.done}
			if f.held != "" { // the last one was to be overtaken
				want[load.CountLost]++
			}
			for _, counter := range []string{load.CountLost, load.CountDuplicated, load.CountReordered} {
				if got := r.Counters[counter]; got != want[counter] {
					t.Errorf("%s: %d of %d, want %d", counter, got, r.Counters[load.CountSent], want[counter])
				}
			}
		})
	}
}

// A server that stops for a while shows in the latency of all messages that
// were due meanwhile, not only of the one that it held.
func TestNoCoordinatedOmission(t *testing.T) {
	var stall time.Duration
	var stalled bool
	r := enough(t, chat(1000), func(window time.Duration) *fake {
		stall, stalled = window/3, false
		return startFake(t, func(n int, m string) []string {
			if n == 20 && !stalled {
				stalled = true
				timer := time.NewTimer(stall)
				<-timer.C
			}
			return as(m)
		})
	}, func(*load.Result) bool { return stalled })
	h, err := hdrhistogram.Decode(r.Histograms[load.HistMessage])
	if err != nil {
		t.Fatal(err)
	}
	// A third of the window was stalled; half of that third waited for more
	// than half of the stall.
	if got := time.Duration(h.ValueAtQuantile(90)); got < stall/4 {
		t.Errorf("p90 is %v; a stall of %v, a third of the window, must show", got, stall)
	}
	if n, sent := h.TotalCount(), r.Counters[load.CountSent]; n != sent {
		t.Errorf("%d samples of %d messages", n, sent)
	}
}

func TestClosedLoopKeepsItsWindow(t *testing.T) {
	var forwarded atomic.Int64
	r := enough(t, chat(0), func(time.Duration) *fake {
		forwarded.Store(0)
		return startFake(t, func(_ int, m string) []string {
			forwarded.Add(1)
			return as(m)
		})
	}, func(r *load.Result) bool { return r.Counters[load.CountDelivered] >= 100 })
	if lost := r.Counters[load.CountLost]; lost != 0 {
		t.Errorf("%d lost at the end of the window", lost)
	}
	if n := forwarded.Load(); n < r.Counters[load.CountDelivered] {
		t.Errorf("%d arrived of %d", r.Counters[load.CountDelivered], n)
	}
}

func TestLoginsThatFailAreTold(t *testing.T) {
	f := startFake(t, func(_ int, m string) []string { return as(m) })
	_, err := client.Login(context.Background(), &client.Options{Address: f.address, Domain: "localhost"},
		client.Account{User: "nobody", Password: "p"})
	if err == nil || !strings.Contains(err.Error(), "not-authorized") {
		t.Errorf("got %v, want the server's reason", err)
	}
}

func TestStormLogsInAndOut(t *testing.T) {
	s := chat(0)
	s.Scenario = load.Login
	r := enough(t, s, func(time.Duration) *fake {
		return startFake(t, func(_ int, m string) []string { return as(m) })
	}, func(r *load.Result) bool { return r.Counters[load.CountLogins] >= 10 })
	if n := r.Counters[load.CountFailed]; n != 0 {
		t.Errorf("%d logins failed: %v", n, r.Notes)
	}
}
