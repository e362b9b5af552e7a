package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/xylem-im/xylem/bench/client"
	"github.com/xylem-im/xylem/bench/load"
)

// usual is what a scenario is measured with when nothing is said.
type usual struct {
	sessions, fanout, extra int
	rate                    float64
	window                  int
}

func usuals() map[string]usual {
	return map[string]usual{
		load.Chat:     {sessions: 200},
		load.Login:    {sessions: 500},
		load.Idle:     {sessions: 2000},
		load.Presence: {sessions: 1000, fanout: 999},
		load.Roster:   {sessions: 100, fanout: 200},
		load.Resume:   {sessions: 500},
		load.Offline:  {sessions: 100, window: 10},
		load.Churn:    {sessions: 200, extra: 100, rate: 1000},
		load.Slow:     {sessions: 200, extra: 210, rate: 1000},
		load.Mix:      {sessions: 1100, fanout: 10, extra: 100, rate: 1000},
		load.S2S:      {sessions: 200},
	}
}

// scenarios makes the plan's measurements out of the command line or the file.
func (f *runFlags) scenarios(names []string) error {
	if f.file != "" {
		if len(names) > 0 {
			return usagef("scenarios are in %s or on the command line, not both", f.file)
		}
		return f.readPlan()
	}
	if len(names) == 0 {
		return usagef("no scenario given; there are %v", load.Scenarios)
	}
	for _, name := range names {
		u, ok := usuals()[name]
		if !ok {
			return usagef("unknown scenario %q; there are %v", name, load.Scenarios)
		}
		if err := f.expand(name, u); err != nil {
			return err
		}
	}
	return nil
}

// expand adds one measurement for each combination of the lists.
func (f *runFlags) expand(name string, u usual) error {
	s := f.base
	s.Scenario = name
	if !f.given("rate") {
		s.Rate = u.rate
	}
	if !f.given("extra") {
		s.Extra = u.extra
	}
	sessions, windows := f.sessions, f.windows
	if len(sessions) == 0 {
		sessions = []int{u.sessions}
	}
	if u.window > 0 && !f.given("window") {
		windows = []int{u.window}
	}
	if len(f.groups) == 0 {
		f.groups = []string{""}
	}
	if len(f.logins) == 0 {
		f.logins = []string{client.Classic}
	}
	for _, security := range f.security {
		if !slices.Contains([]string{"plain", "tls"}, security) {
			return usagef("--security is plain or tls, not %q", security)
		}
		for _, s.Sessions = range sessions {
			if s.Fanout = f.base.Fanout; s.Fanout == 0 {
				s.Fanout = u.fanout
				if name != load.Roster { // where contacts need not be there
					s.Fanout = min(s.Fanout, s.Sessions-1)
				}
			}
			for _, s.Window = range windows {
				for _, s.Login = range f.logins {
					for _, s.Exchange = range f.groups {
						s.TLS = security == "tls"
						if !slices.Contains(f.plan.Scenarios, s) {
							f.plan.Scenarios = append(f.plan.Scenarios, s)
						}
					}
				}
			}
		}
	}
	return nil
}

// planFile is a plan as a file. What a table does not say is taken from the
// command line.
type planFile struct {
	Scenario []struct {
		Scenario         string
		Sessions         *int
		Payload          *int
		Window           *int
		Rate             *float64
		Security         *string
		Mechanism        *string
		Login            *string
		TLSTickets       *bool   `toml:"tls_tickets"`
		KeyExchange      *string `toml:"key_exchange"`
		FullJID          *bool   `toml:"full_jid"`
		StreamManagement *bool   `toml:"stream_management"`
		Warmup           *duration
		Duration         *duration
		Parallel         *int
		Fanout           *int
		Messages         *int
		Extra            *int
		Flood            *float64
	}
}

// duration reads "10s".
type duration time.Duration

func (d *duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	*d = duration(v)
	return err
}

func (f *runFlags) readPlan() error {
	in, err := os.Open(f.file)
	if err != nil {
		return err
	}
	defer in.Close()
	var file planFile
	if err := toml.NewDecoder(in).DisallowUnknownFields().Decode(&file); err != nil {
		var strict *toml.StrictMissingError
		if errors.As(err, &strict) {
			return usagef("%s: unknown key:\n%s", f.file, strict.String())
		}
		return usagef("%s: %w", f.file, err)
	}
	for i, t := range file.Scenario {
		u, ok := usuals()[t.Scenario]
		if !ok {
			return usagef("%s: scenario %d: %q is unknown; there are %v", f.file, i+1, t.Scenario, load.Scenarios)
		}
		g := *f // the values of this table only
		g.plan.Scenarios = nil
		said := map[string]bool{}
		take(&g.base.Payload, t.Payload)
		take(&g.base.Mechanism, t.Mechanism)
		take(&g.base.FullJID, t.FullJID)
		take(&g.base.Tickets, t.TLSTickets)
		if t.Login != nil {
			g.logins = []string{*t.Login}
		}
		if t.KeyExchange != nil {
			g.groups = []string{*t.KeyExchange}
		}
		take(&g.base.Managed, t.StreamManagement)
		take(&g.base.Parallel, t.Parallel)
		take(&g.base.Messages, t.Messages)
		take(&g.base.Fanout, t.Fanout)
		take(&g.base.Flood, t.Flood)
		take((*duration)(&g.base.Warmup), t.Warmup)
		take((*duration)(&g.base.Duration), t.Duration)
		said["rate"] = take(&g.base.Rate, t.Rate)
		said["extra"] = take(&g.base.Extra, t.Extra)
		if t.Sessions != nil {
			g.sessions = []int{*t.Sessions}
		}
		if t.Window != nil {
			g.windows, said["window"] = []int{*t.Window}, true
		}
		if t.Security != nil {
			g.security = []string{*t.Security}
		}
		g.given = func(name string) bool { return said[name] || f.given(name) }
		if err := g.expand(t.Scenario, u); err != nil {
			return fmt.Errorf("%s: scenario %d: %w", f.file, i+1, err)
		}
		f.plan.Scenarios = append(f.plan.Scenarios, g.plan.Scenarios...)
	}
	return nil
}

// take copies a value that was given.
func take[T any](to, from *T) bool {
	if from != nil {
		*to = *from
	}
	return from != nil
}
