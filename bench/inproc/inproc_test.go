package inproc_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/xylem-im/xylem/bench/inproc"
)

// A small run of both kinds measures everything and loses nothing.
func TestRun(t *testing.T) {
	for _, stock := range []bool{false, true} {
		res, err := inproc.Run(t.Context(), inproc.Settings{Sessions: 400, Stock: stock, Payload: 350, Chains: 16, Duration: 200 * time.Millisecond},
			func(string) {})
		if err != nil {
			t.Fatalf("stock %v: %v", stock, err)
		}
		if res.Lost+res.Duplicated+res.Failed > 0 || len(res.Warnings) > 0 {
			t.Errorf("stock %v: %d lost, %d duplicated, %d failed: %v", stock, res.Lost, res.Duplicated, res.Failed, res.Warnings)
		}
		if res.Heap < 100 || res.Heap > 20_000 || res.Objects < 1 || res.LoginsPerSec < 10 {
			t.Errorf("stock %v: memory and logins make no sense: %+v", stock, res)
		}
		for name, w := range map[string]inproc.Traffic{"spread": res.Spread, "hot": res.Hot, "busy": res.Busy} {
			if w.PerSec < 100 || w.P50 <= 0 || w.P99 < w.P50 || w.Max < w.P99 {
				t.Errorf("stock %v: %s makes no sense: %+v", stock, name, w)
			}
		}
		if res.Clients <= 0 || res.Clients >= res.Spread.CPU || res.HotClients <= 0 || res.HotClients >= res.Hot.CPU {
			t.Errorf("stock %v: clients alone take %v of %v and %v of %v µs", stock, res.Clients, res.Spread.CPU, res.HotClients, res.Hot.CPU)
		}
		if res.Pauses.Count < 2 || res.Pauses.P99 <= 0 || res.Pauses.Max < res.Pauses.P99 {
			t.Errorf("stock %v: pauses make no sense: %+v", stock, res.Pauses)
		}
	}
}

// With as many connections on a loop that it looks ahead at what it will need,
// nothing is lost and nothing comes twice.
func TestRunLarge(t *testing.T) {
	res, err := inproc.Run(t.Context(), inproc.Settings{Sessions: 4200, Payload: 350, Chains: 100, Duration: 200 * time.Millisecond, Loops: 1},
		func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	if res.Lost+res.Duplicated+res.Failed > 0 || res.Spread.PerSec < 100 {
		t.Errorf("%d lost, %d duplicated, %d failed, %v/s", res.Lost, res.Duplicated, res.Failed, res.Spread.PerSec)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	for want, change := range map[string]func(*inproc.Settings){
		"1 sessions":    func(s *inproc.Settings) { s.Sessions = 1 },
		"payload of 10": func(s *inproc.Settings) { s.Payload = 10 },
		"0 messages":    func(s *inproc.Settings) { s.Chains = 0 },
		"window":        func(s *inproc.Settings) { s.Duration = 0 },
	} {
		s := inproc.Settings{Sessions: 10, Payload: 350, Chains: 1, Duration: time.Second}
		change(&s)
		if _, err := inproc.Run(t.Context(), s, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want something about %q", err, want)
		}
	}
}

func TestRunIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := inproc.Settings{Sessions: 100, Payload: 350, Chains: 1, Duration: time.Hour}
	_, err := inproc.Run(ctx, s, func(what string) {
		if strings.HasPrefix(what, "messages") {
			cancel()
		}
	})
	if err == nil {
		t.Error("an interrupted run has no error")
	}
}
