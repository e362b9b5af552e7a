package inproc_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/xylem-im/xylem/bench/inproc"
)

// small runs the settings with a short window; a longer one when too little has
// happened, as on a busy machine.
func small(t *testing.T, s inproc.Settings) *inproc.Result {
	t.Helper()
	for s.Duration = 200 * time.Millisecond; ; s.Duration *= 4 {
		res, err := inproc.Run(t.Context(), s, func(string) {})
		if err != nil {
			t.Fatal(err)
		}
		least := 100 / s.Duration.Seconds()
		if res.Spread.PerSec >= least && res.Hot.PerSec >= least && res.Busy.PerSec >= least || s.Duration > 10*time.Second {
			return res
		}
	}
}

// A small run of both kinds measures everything and loses nothing.
func TestRun(t *testing.T) {
	for _, stock := range []bool{false, true} {
		res := small(t, inproc.Settings{Sessions: 400, Stock: stock, Payload: 350, Chains: 16})
		if res.Lost+res.Duplicated+res.Failed > 0 || len(res.Warnings) > 0 {
			t.Errorf("stock %v: %d lost, %d duplicated, %d failed: %v", stock, res.Lost, res.Duplicated, res.Failed, res.Warnings)
		}
		if res.Heap < 100 || res.Heap > 20_000 || res.Objects < 1 || res.LoginsPerSec <= 0 {
			t.Errorf("stock %v: memory and logins make no sense: %+v", stock, res)
		}
		for name, w := range map[string]inproc.Traffic{"spread": res.Spread, "hot": res.Hot, "busy": res.Busy} {
			if w.PerSec <= 0 || w.P50 <= 0 || w.P99 < w.P50 || w.Max < w.P99 {
				t.Errorf("stock %v: %s makes no sense: %+v", stock, name, w)
			}
		}
		if p := res.Presence; stock && (p.Contacts != 399 || p.PerSec <= 0 || p.CPU <= 0 || p.P50 <= 0 || p.P99 < p.P50) || !stock && p.Contacts != 0 {
			t.Errorf("stock %v: presence makes no sense: %+v", stock, p)
		}
		o := res.Offline
		if stock && (o.Messages != 2000 || o.StoredPerSec <= 0 || o.StoreCPU <= 0 || o.FetchedPerSec <= 0 || o.FetchCPU <= 0) || !stock && o.Messages != 0 {
			t.Errorf("stock %v: offline messages make no sense: %+v", stock, o)
		}
		if s := res.Resumption; s.Sessions != 200 || s.PerSec <= 0 || s.CPU <= 0 || s.Heap < 100 || s.Heap > 20_000 {
			t.Errorf("stock %v: resumptions make no sense: %+v", stock, s)
		}
		// How much it is says nothing here: in a window this short a collection counts for
		// more than the messages.
		if res.Clients <= 0 || res.Spread.CPU <= 0 || res.HotClients <= 0 || res.Hot.CPU <= 0 {
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
	res := small(t, inproc.Settings{Sessions: 4200, Payload: 350, Chains: 100, Loops: 1})
	if res.Lost+res.Duplicated+res.Failed > 0 || res.Spread.PerSec <= 0 {
		t.Errorf("%d lost, %d duplicated, %d failed, %v/s", res.Lost, res.Duplicated, res.Failed, res.Spread.PerSec)
	}
}

// Users write beside logins, and beside a flood to clients that read nothing, of which each message has
// one fate, whether all of it may be held or not. One client floods with more than the
// bounds of all who read nothing: 150 messages of 1,000 bytes for each, of which 65
// may wait, and as many may be stored.
func TestSlow(t *testing.T) {
	for _, stock := range []bool{false, true} {
		for name, held := range map[string]int{"all is held": 3 << 20, "too much is sent": 3 * 64 << 10} {
			if !stock && held == 3<<20 {
				continue // no other fate
			}
			s := inproc.Settings{Sessions: 60, Stock: stock, Payload: 1000, Chains: 4, Duration: 165 * time.Millisecond,
				Rate: 500, Extra: 12, Flood: 10_000, Held: held}
			res, err := inproc.Run(t.Context(), s, func(string) {})
			if err != nil {
				t.Fatal(err)
			}
			if r := res.Roster; stock && (r.Contacts != 59 || r.PerSec <= 0 || r.CPU <= 0 || r.P50 <= 0 || r.P99 < r.P50) || !stock && r.Contacts != 0 {
				t.Errorf("stock %v: rosters make no sense: %+v", stock, r)
			}
			f := res.Slow
			if f.Users != 14 || f.Stalled != 11 || f.Flooders != 1 || f.Flood < 1 || f.Flood > 1650 {
				t.Errorf("stock %v, %s: %d users, %d read nothing, %d flood them with %d", stock, name, f.Users, f.Stalled, f.Flooders, f.Flood)
			}
			if res.Lost+res.Duplicated+f.Unaccounted+f.Twice > 0 || f.Refused+f.Kept != f.Flood || !stock && f.Kept > 0 {
				t.Errorf("stock %v, %s: %d lost, %d duplicated; of %d %d refused, %d kept, %d neither, %d twice", stock, name,
					res.Lost, res.Duplicated, f.Flood, f.Refused, f.Kept, f.Unaccounted, f.Twice)
			}
			if res.Churn.PerSec <= 0 || res.Failed > 0 {
				t.Errorf("stock %v: %v logins per second beside users, %d failed", stock, res.Churn.PerSec, res.Failed)
			}
			// What can be held or stored is kept, and of more something is refused. A machine that
			// is busy for seconds may send less.
			if stock && (f.Kept == 0 || held == 3<<20 && f.Refused > 0 || held < 3<<20 && f.Flood == 1650 && f.Refused == 0) {
				t.Errorf("stock %v, %s: %d refused, %d kept", stock, name, f.Refused, f.Kept)
			}
			for what, o := range map[string]inproc.Open{"calm": f.Calm, "beside": f.Beside, "churn": res.Churn.Beside} {
				if o.P50 <= 0 || o.P99 < o.P50 || o.Max < o.P99 || o.Late <= 0 || len(o.Times) == 0 || o.Heap <= 0 {
					t.Errorf("stock %v, %s: %s makes no sense: %+v", stock, name, what, o)
				}
			}
			if f.Bound < float64(f.Stalled*held) {
				t.Errorf("stock %v, %s: a bound of %v for %d times %d", stock, name, f.Bound, f.Stalled, held)
			}
		}
	}
}

// Few sessions do without a flood.
func TestCrowd(t *testing.T) {
	for _, test := range []struct{ sessions, extra, users, flooders, stalled int }{
		{110_000, 100_000, 1000, 4762, 95_238},
		{1_000_000, 105_000, 1000, 5000, 100_000},
		{1000, 100_000, 250, 12, 238},
		{60, 12, 14, 1, 11},
		{8, 2, 2, 1, 1},
		{8, 1, 0, 0, 0},
		{7, 2, 0, 0, 0},
		{100, 0, 0, 0, 0},
	} {
		s := inproc.Settings{Sessions: test.sessions, Extra: test.extra}
		if users, flooders, stalled := s.Crowd(); users != test.users || flooders != test.flooders || stalled != test.stalled {
			t.Errorf("%d sessions, %d beside: %d users, %d flood, %d read nothing", test.sessions, test.extra, users, flooders, stalled)
		}
	}
}

func TestSettingsAreChecked(t *testing.T) {
	for want, change := range map[string]func(*inproc.Settings){
		"1 sessions":               func(s *inproc.Settings) { s.Sessions = 1 },
		"payload of 10":            func(s *inproc.Settings) { s.Payload = 10 },
		"0 messages":               func(s *inproc.Settings) { s.Chains = 0 },
		"a window of 0s":           func(s *inproc.Settings) { s.Duration = 0 },
		"--warmup: a warm-up of":   func(s *inproc.Settings) { s.Warmup = -1 },
		"--loops: -1":              func(s *inproc.Settings) { s.Loops = -1 },
		"--comers: -1":             func(s *inproc.Settings) { s.Comers = -1 },
		"--rate: 0":                func(s *inproc.Settings) { s.Rate = 0 },
		"--flood: 1e+12":           func(s *inproc.Settings) { s.Flood = 1e12 },
		"--held: 100":              func(s *inproc.Settings) { s.Held = 100 },
		"--held: nothing":          func(s *inproc.Settings) { s.Held = 0 },
		"--fanout: -1":             func(s *inproc.Settings) { s.Fanout = -1 },
		"--far: -1":                func(s *inproc.Settings) { s.Far = -1 },
		"--online: a share of 2":   func(s *inproc.Settings) { s.Stock, s.Fanout, s.Online = true, 10, 2 },
		"--update-rate: -1":        func(s *inproc.Settings) { s.Stock, s.Fanout, s.Online, s.Updates = true, 10, 1, -1 },
		"--login-rate: -1":         func(s *inproc.Settings) { s.Stock, s.Fanout, s.Online, s.Logins = true, 10, 1, -1 },
		`unknown scenario "chats"`: func(s *inproc.Settings) { s.Only = []string{"chats"} },
	} {
		s := inproc.Settings{Sessions: 10, Payload: 350, Chains: 1, Duration: time.Second, Rate: 1, Extra: 2, Flood: 1, Held: 1 << 20}
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
