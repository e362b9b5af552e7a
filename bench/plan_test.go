package bench

import (
	"strings"
	"testing"
	"time"

	"github.com/xylem-im/xylem/bench/load"
)

func settings(scenario string) load.Settings {
	return load.Settings{Scenario: scenario, Sessions: 100, Payload: 350, Window: 1, Rate: 10, Fanout: 9, Extra: 7, Messages: 5, Flood: 3, Online: 0.5,
		Duration: time.Second, Parallel: 4}
}

// Pairs and groups stay together, and no process has more sessions at once than
// it may have.
func TestSplit(t *testing.T) {
	for _, test := range []struct {
		scenario  string
		most      int
		processes int
	}{
		{load.Chat, 1000, 1}, {load.Chat, 100, 1}, {load.Chat, 99, 2}, {load.Chat, 10, 10}, {load.Chat, 2, 50},
		{load.Presence, 50, 2}, {load.Presence, 25, 5}, {load.Presence, 10, 10}, {load.Mix, 54, 3},
		{load.Churn, 54, 3}, {load.S2S, 50, 3}, {load.Login, 50, 1}, {load.Roster, 4, 1},
	} {
		p := Plan{PerGenerator: test.most}
		s := settings(test.scenario)
		if err := p.Check(&s); err != nil {
			t.Fatal(err)
		}
		jobs := p.split(load.Job{Settings: s})
		if len(jobs) != test.processes {
			t.Errorf("%s with %d each: %d processes, want %d", test.scenario, test.most, len(jobs), test.processes)
		}
		next, extra, share := 0, s.Sessions, 0.0
		for _, j := range jobs {
			if j.First != next || j.Count%unit(&s) != 0 || j.Count == 0 || j.ExtraFirst != extra {
				t.Errorf("%s: job %d+%d, extra %d; want them to begin at %d and %d", test.scenario, j.First, j.Count, j.ExtraFirst, next, extra)
			}
			if n := j.Count + j.ExtraCount; len(jobs) > 1 && n > test.most {
				t.Errorf("%s with %d each: a process has %d", test.scenario, test.most, n)
			}
			next, extra, share = next+j.Count, extra+j.ExtraCount, share+j.Share
		}
		if next != s.Sessions || extra != s.Sessions+s.Extra || share < 0.999 || share > 1.001 {
			t.Errorf("%s: %d sessions, %d accounts, shares of %f", test.scenario, next, extra, share)
		}
	}
}

// Who stall and who flood are in processes without users, each with some of both, and
// have what these leave of cores that the server has none of.
func TestSplitOfACrowd(t *testing.T) {
	for _, test := range []struct {
		extra, most     int
		users, besides  int
		server, command string
	}{
		{42, 1000, 1, 1, "0", "chrt --idle 0 taskset -c 1 bench"},
		{42, 50, 2, 1, "", "taskset -c 1 bench"},
		{42, 10, 10, 5, "0", "chrt --idle 0 taskset -c 1 bench"},
		{3, 2, 50, 1, "0", "chrt --idle 0 taskset -c 1 bench"},
	} {
		p := Plan{PerGenerator: test.most, ClientCPUs: "1", ServerCPUs: test.server}
		s := settings(load.Slow)
		s.Extra = test.extra
		if err := p.Check(&s); err != nil {
			t.Fatal(err)
		}
		users, besides, next, share := 0, 0, s.Sessions, 0.0
		for _, j := range p.split(load.Job{Settings: s}) {
			command := strings.Join(p.onCores(j, "bench"), " ")
			if !j.Beside() {
				users++
				if j.ExtraCount != 0 || command != "taskset -c 1 bench" {
					t.Errorf("%+v: users with a crowd of %d, by %q", test, j.ExtraCount, command)
				}
				continue
			}
			besides++
			if j.Count != 0 || j.ExtraFirst != next || j.ExtraCount < load.LeastCrowd || command != test.command {
				t.Errorf("%+v: %d users, a crowd of %d from %d on, by %q", test, j.Count, j.ExtraCount, j.ExtraFirst, command)
			}
			next, share = next+j.ExtraCount, share+j.Share
		}
		if users != test.users || besides != test.besides || next != s.Sessions+s.Extra || share < 0.999 || share > 1.001 {
			t.Errorf("%+v: %d and %d processes, accounts up to %d, shares of %f", test, users, besides, next, share)
		}
	}
}

// What cannot be measured is said before, or beside what can.
func TestWhatTargetsCannotDo(t *testing.T) {
	chat, tls := settings(load.Chat), settings(load.Chat)
	tls.TLS = true
	for _, test := range []struct {
		name      string
		targets   []string
		scenarios []load.Settings
		err       string
		leftOut   int
	}{
		{"all", []string{"relay", "xylem"}, []load.Settings{chat}, "", 0},
		{"some", []string{"relay", "xylem"}, []load.Settings{chat, tls}, "", 1},
		{"nothing", []string{"relay", "xylem"}, []load.Settings{tls}, "target relay has no XMPP and no TLS", 0},
		{"twice", []string{"xylem", "xylem"}, []load.Settings{chat}, "target xylem is named twice", 0},
	} {
		p := Plan{Targets: test.targets, Scenarios: test.scenarios}
		err := p.Complete()
		if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
			t.Errorf("%s: %v, want %q", test.name, err, test.err)
		}
		if list := p.leftOut(); err == nil && (len(list) != test.leftOut || test.leftOut > 0 && !strings.Contains(list[0], "TLS")) {
			t.Errorf("%s: left out: %q", test.name, list)
		}
	}
}

// Settings that a scenario does not use do not tell measurements apart.
func TestCheckDropsWhatIsNotUsed(t *testing.T) {
	var p Plan
	for _, scenario := range load.Scenarios {
		a, b := settings(scenario), settings(scenario)
		b.Messages, b.Flood = 50, 30 // used by one scenario each
		if err := p.Check(&a); err != nil {
			t.Fatal(err)
		}
		if err := p.Check(&b); err != nil {
			t.Fatal(err)
		}
		if same, want := a == b, scenario != load.Offline && scenario != load.Slow; same != want {
			t.Errorf("%s: equal is %v", scenario, same)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	for name, change := range map[string]func(*load.Settings){
		"scenario": func(s *load.Settings) { s.Scenario = "dance" },
		"sessions": func(s *load.Settings) { s.Sessions = 1 },
		"payload":  func(s *load.Settings) { s.Payload = 10 },
		"duration": func(s *load.Settings) { s.Duration = 0 },
		"parallel": func(s *load.Settings) { s.Parallel = 0 },
		"fan-out":  func(s *load.Settings) { s.Scenario, s.Fanout = load.Presence, 100 },
		"mix":      func(s *load.Settings) { s.Scenario, s.Rate = load.Mix, 0 },
	} {
		s := settings(load.Chat)
		change(&s)
		if err := new(Plan).Check(&s); err == nil {
			t.Errorf("%s: not refused", name)
		}
	}
}

func TestLoadStaysOnThisMachine(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:5222": "", "127.9.9.9:1": "", "[::1]:5222": "", "192.0.2.1:5222": "loopback", "[2001:db8::1]:5222": "loopback",
		"xylem": "neither", "0.0.0.0:1": "loopback",
	} {
		err := checkLoopback(address)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", address, err, want)
		}
	}
}
