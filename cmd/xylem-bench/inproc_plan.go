package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/xylem-im/xylem/bench"
	"github.com/xylem-im/xylem/bench/inproc"
	"github.com/xylem-im/xylem/bench/load"
)

// insideKeys are the keys of a [[scenario]] table beside "scenario" that inproc has: its
// flags, with underscores.
var insideKeys = [...]string{"name", "sessions", "kind", "payload", "chains", "rate", "warmup", "duration", "extra", "flood", "held",
	"fanout", "online", "update_rate", "login_rate", "comers", "far", "loops", "huge_pages"}

// outside says why inproc has not a key that run has; "" for others.
func outside(key string) string {
	switch key {
	case "window":
		return "messages in flight are counted over all sessions there: chains"
	case "security", "tls_tickets", "key_exchange":
		return "there are no sockets, and so no TLS"
	case "mechanism", "login":
		return "clients log in by SCRAM-SHA-256, with a hash that costs nothing"
	case "parallel":
		return "as many log in at once as the engine can use"
	case "stream_management":
		return "it is on where sessions are resumed or read nothing"
	case "content", "full_jid", "messages":
		return "messages are to bare JIDs, have a body alone, and ten wait for each account"
	case "devices":
		return "each account has one session there"
	}
	return ""
}

// parts makes the plan's measurements out of the command line or the file. Each is
// checked.
func (f *insideFlags) parts(fs *pflag.FlagSet, names []string) error {
	if f.file == "" {
		f.complete(names)
		f.plan.Parts = []bench.InProcessPart{f.part}
		if err := f.part.Check(); err != nil {
			return usageError{err}
		}
		return nil
	}
	if len(names) > 0 {
		return usagef("scenarios are in %s or on the command line, not both", f.file)
	}
	return eachTable(f.file, func(t planTable) error { return f.addTable(fs, t) })
}

// addTable adds the measurements of one table. Errors begin with the line.
func (f *insideFlags) addTable(fs *pflag.FlagSet, t planTable) error {
	only, line, err := insideScenarios(t)
	if err != nil {
		return fmt.Errorf("%d: scenario: %w", line, err)
	}
	var own insideFlags
	ownFlags := pflag.NewFlagSet("", pflag.ContinueOnError)
	own.register(ownFlags)
	fs.Visit(func(given *pflag.Flag) { inherit(ownFlags.Lookup(given.Name), given) })
	own.given = func(name string) bool { return fs.Changed(name) || ownFlags.Changed(name) }
	for i, k := range t.keys { // those who come and go are extra accounts over the wire
		if k.name == "extra" && slices.Equal(only, []string{load.Mix}) {
			t.keys[i].name, t.keys[i].shown = "comers", "extra"
		}
	}
	lines, err := t.give(ownFlags, insideKeys[:])
	if err != nil {
		return err
	}
	own.complete(only)
	err = own.part.Check()
	var setting inproc.SettingError
	switch {
	case errors.As(err, &setting) && lines[setting.Key] > 0:
		return fmt.Errorf("%d: %s: %s", lines[setting.Key], setting.Key, setting.Problem)
	case errors.As(err, &setting):
		return fmt.Errorf("%d: %s: %s", t.line, setting.Key, setting.Problem)
	case err != nil:
		return fmt.Errorf("%d: %w", t.line, err)
	}
	for _, k := range t.keys {
		if why := insideUnused(k.name, &own.part.Settings); why != "" {
			return fmt.Errorf("%d: %s: %s changes nothing: %s", k.line, k.name, show(k.value), why)
		}
	}
	f.plan.Parts = append(f.plan.Parts, own.part)
	return nil
}

// insideScenarios are those that a table names, one or a list; none: all. line is where.
func insideScenarios(t planTable) (names []string, line int, err error) {
	at := slices.IndexFunc(t.keys, func(k planKey) bool { return k.name == "scenario" })
	if at < 0 {
		return nil, t.line, nil
	}
	line = t.keys[at].line
	list, ok := t.keys[at].value.([]any)
	if !ok {
		list = []any{t.keys[at].value}
	}
	for _, v := range list {
		name, _ := v.(string)
		if !slices.Contains(inproc.Scenarios(), name) {
			return nil, line, fmt.Errorf("%s is unknown; there are %s", show(v), scenarioNames())
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil, line, errors.New(`an empty list; without the key all are measured`)
	}
	return names, line, nil
}

// noKey says that a table has a key that there is not, or not for this command.
func noKey(k planKey, keys []string) error {
	if why := outside(k.name); why != "" && slices.Contains(planKeys[:], k.name) {
		return fmt.Errorf("%d: %s: %s is for xylem-bench run: in one process %s", k.line, k.name, show(k.value), why)
	}
	if slices.Contains(insideKeys[:], k.name) {
		return fmt.Errorf("%d: %s: %s is for xylem-bench inproc", k.line, k.name, show(k.value))
	}
	return fmt.Errorf("%d: %s is no key of a scenario; there are scenario, %s", k.line, k.name, strings.Join(keys, ", "))
}
