package inproc_test

import (
	"slices"
	"testing"
	"time"

	"github.com/xylem-im/xylem/bench/inproc"
	"github.com/xylem-im/xylem/bench/load"
)

// A day of 200 sessions: publishers with contacts of whom a half is online, and accounts that come
// and go. Nothing is lost, and nothing but it is measured.
func TestMix(t *testing.T) {
	s := inproc.Settings{Sessions: 200, Stock: true, Payload: 350, Chains: 4, Duration: 400 * time.Millisecond, Warmup: 100 * time.Millisecond,
		Rate: 500, Fanout: 10, Online: 0.5, Updates: 40, Logins: 20, Comers: 20, Only: []string{load.Mix}}
	res, err := inproc.Run(t.Context(), s, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	// 179 sessions are left for groups of 11, 5 of each leave.
	if m := res.Mix; m.Publishers != 16 || m.Contacts != 10 || m.Online != 180-16*5 || m.Comers != 20 {
		t.Errorf("%d publishers with %d contacts each, %d online, %d come and go", m.Publishers, m.Contacts, m.Online, m.Comers)
	}
	if m := res.Mix; m.CPU <= 0 || m.Cores <= 0 || m.P99 < m.P50 || m.P50 <= 0 || m.UpdateP50 <= 0 || m.UpdateP99 < m.UpdateP50 {
		t.Errorf("a day makes no sense: %+v", m)
	}
	if res.Lost+res.Duplicated+res.Failed > 0 {
		t.Errorf("%d lost, %d duplicated, %d failed: %v", res.Lost, res.Duplicated, res.Failed, res.Warnings)
	}
	if res.Spread.PerSec > 0 || res.Presence.Contacts > 0 || res.Resumption.Sessions > 0 || res.Churn.PerSec > 0 {
		t.Errorf("more was measured: %+v", res)
	}
}

// With ten times as many publishers as updates only as many publish, and without any nobody does.
func TestPublishers(t *testing.T) {
	for updates, want := range map[float64]int{10: 5, 0: 1} {
		s := inproc.Settings{Sessions: 600, Stock: true, Payload: 350, Chains: 4, Duration: 500 * time.Millisecond,
			Rate: 100, Fanout: 10, Online: 0.2, Updates: updates, Only: []string{load.Mix}}
		res, err := inproc.Run(t.Context(), s, func(string) {})
		if err != nil {
			t.Fatal(err)
		}
		if m := res.Mix; m.Publishers != want || m.Online != 600-8*want || res.Lost+res.Duplicated > 0 || (m.UpdateP50 > 0) != (updates > 0) {
			t.Errorf("%v updates per second: %d lost, %d duplicated: %+v", updates, res.Lost, res.Duplicated, m)
		}
	}
}

// Users of two servers write to each other, of one that is larger than the other, and
// with full addresses as well.
func TestFederation(t *testing.T) {
	for _, stock := range []bool{false, true} {
		s := inproc.Settings{Sessions: 101, Stock: stock, Payload: 350, Chains: 8, Far: 40,
			Duration: 100 * time.Millisecond, Only: []string{load.S2S}}
		var res *inproc.Result
		for ; res == nil || res.Federation.Remote.PerSec == 0 && s.Duration < 20*time.Second; s.Duration *= 4 { // a busy machine takes longer to connect
			var err error
			if res, err = inproc.Run(t.Context(), s, func(string) {}); err != nil {
				t.Fatal(err)
			}
		}
		f := res.Federation
		if f.Far != 40 || f.Local.PerSec <= 0 || f.Local.CPU <= 0 || f.Remote.PerSec <= 0 || f.Remote.CPU <= 0 || f.Remote.P99 < f.Remote.P50 || f.Clients <= 0 {
			t.Errorf("stock %v: federation makes no sense: %+v", stock, f)
		}
		if res.Lost+res.Duplicated+res.Failed > 0 {
			t.Errorf("stock %v: %d lost, %d duplicated, %d failed", stock, res.Lost, res.Duplicated, res.Failed)
		}
	}
}

func TestRatioLeavesClientsOut(t *testing.T) {
	f := inproc.Federation{Local: inproc.Traffic{CPU: 3}, Remote: inproc.Traffic{CPU: 9}, Clients: 1}
	if got := f.Ratio(); got != 2 {
		t.Errorf("each of two servers takes 4 and one alone 2, which is %v", got)
	}
	if got := (&inproc.Federation{}).Ratio(); got != 0 {
		t.Errorf("nothing was measured, which is %v", got)
	}
}

// In one process there is what there is over the wire.
func TestScenarios(t *testing.T) {
	if !slices.Equal(inproc.Scenarios(), load.Scenarios[:]) {
		t.Errorf("got %v, want %v", inproc.Scenarios(), load.Scenarios)
	}
}
