package load_test

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/xylem-im/xylem/bench/client"
	"github.com/xylem-im/xylem/bench/load"
)

// drive runs one phase of a job in a Worker and returns its result.
func drive(t *testing.T, f *fake, s load.Settings) *load.Result {
	t.Helper()
	job := load.Job{Settings: s, Address: f.address, Domain: "localhost", Accounts: client.Accounts{User: "u%d", Password: "p"},
		Count: s.Sessions, Share: 1, Epoch: time.Now().UnixNano(), Run: "test"}
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
	return e.Result
}

func chat(rate float64) load.Settings {
	return load.Settings{Scenario: load.Chat, Sessions: 4, Payload: 300, Window: 2, Rate: rate, Duration: 300 * time.Millisecond, Parallel: 2}
}

func as(list ...string) []string { return list }

// What happens to messages on the way is counted as what it is.
func TestFaultsAreCounted(t *testing.T) {
	held := ""
	for _, test := range []struct {
		name    string
		fate    func(n int, m string) []string
		counter string
		share   float64 // of what was sent
	}{
		{"lost", func(n int, m string) []string {
			if n%10 == 3 {
				return nil
			}
			return as(m)
		}, load.CountLost, 0.1},
		{"duplicated", func(n int, m string) []string {
			if n%10 == 3 {
				return as(m, m)
			}
			return as(m)
		}, load.CountDuplicated, 0.1},
		{"reordered", func(n int, m string) []string {
			// To one receiver only, so that the one that is held is its own.
			switch to := strings.Contains(m, "to='u1@"); {
			case to && n%10 == 3:
				held = m
				return nil
			case to && n%10 == 4:
				return as(m, held)
			}
			return as(m)
		}, load.CountReordered, 0.025},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := drive(t, startFake(t, test.fate), chat(1000))
			sent := r.Counters[load.CountSent]
			if sent < 280 {
				t.Fatalf("sent %d, want about 300", sent)
			}
			for _, counter := range []string{load.CountLost, load.CountDuplicated, load.CountReordered} {
				want := 0.0
				if counter == test.counter {
					want = test.share * float64(sent)
				}
				if got := float64(r.Counters[counter]); got < want*0.7 || got > want*1.3+1 || want == 0 && got != 0 {
					t.Errorf("%s: %v of %d, want about %v", counter, got, sent, want)
				}
			}
		})
	}
}

// A server that stops for a while shows in the latency of all messages that
// were due meanwhile, not only of the one that it held.
func TestNoCoordinatedOmission(t *testing.T) {
	const stall = 100 * time.Millisecond
	stalled := false
	f := startFake(t, func(n int, m string) []string {
		if n == 20 && !stalled {
			stalled = true
			timer := time.NewTimer(stall)
			<-timer.C
		}
		return as(m)
	})
	r := drive(t, f, chat(1000))
	h, err := hdrhistogram.Decode(r.Histograms[load.HistMessage])
	if err != nil {
		t.Fatal(err)
	}
	// A third of the window was stalled; half of that third waited for more
	// than half of the stall.
	if got := time.Duration(h.ValueAtQuantile(90)); got < stall/4 {
		t.Errorf("p90 is %v; a stall of %v in a window of 300 ms must show", got, stall)
	}
	if n := h.TotalCount(); n < 280 {
		t.Errorf("%d samples, want one for each of about 300 messages", n)
	}
}

func TestClosedLoopKeepsItsWindow(t *testing.T) {
	inFlight := 0
	r := drive(t, startFake(t, func(_ int, m string) []string {
		inFlight++
		return as(m)
	}), chat(0))
	if n := r.Counters[load.CountDelivered]; n < 100 {
		t.Errorf("%d delivered: the loop did not run", n)
	}
	if lost := r.Counters[load.CountLost]; lost != 0 {
		t.Errorf("%d lost at the end of the window", lost)
	}
	if int64(inFlight) < r.Counters[load.CountDelivered] {
		t.Errorf("%d arrived of %d", r.Counters[load.CountDelivered], inFlight)
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
	r := drive(t, startFake(t, func(_ int, m string) []string { return as(m) }), s)
	if n := r.Counters[load.CountLogins]; n < 10 {
		t.Errorf("%d logins in %v", n, s.Duration)
	}
	if n := r.Counters[load.CountFailed]; n != 0 {
		t.Errorf("%d logins failed: %v", n, r.Notes)
	}
}
