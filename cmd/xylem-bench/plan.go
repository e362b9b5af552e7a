package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
	"github.com/spf13/pflag"

	"github.com/xylem-im/xylem/bench"
	"github.com/xylem-im/xylem/bench/load"
)

// planKeys are the keys of a [[scenario]] table beside "scenario": flags of run,
// with underscores. What a table leaves out is as on the command line.
var planKeys = [...]string{"name", "sessions", "payload", "content", "window", "rate", "security", "mechanism", "login", "tls_tickets", "key_exchange", "full_jid",
	"stream_management", "warmup", "duration", "parallel", "fanout", "messages", "extra",
	"login_rate", "update_rate", "online", "flood", "held", "devices"}

// planTable is one [[scenario]] of a file.
type planTable struct {
	line int
	keys []planKey // in the order of the file
}

type planKey struct {
	name  string
	shown string // as the file has it, where that is another name; or ""
	line  int
	value any
}

// readPlan adds the scenarios of the file. Each fault names file, line, key,
// value and what would be accepted.
func (f *runFlags) readPlan(fs *pflag.FlagSet) error {
	return eachTable(f.file, func(t planTable) error { return f.addTable(fs, t) })
}

// eachTable is for all tables of a file, of which there is at least one. Errors of add
// begin with the line.
func eachTable(file string, add func(planTable) error) error {
	doc, err := os.ReadFile(file)
	if err != nil {
		return usagef("--plan: %w", err)
	}
	tables, err := planTables(doc)
	if err != nil {
		return usagef("%s:%w", file, err)
	}
	if len(tables) == 0 {
		return usagef("%s: no [[scenario]] table is there", file)
	}
	for _, t := range tables {
		if err := add(t); err != nil {
			return usagef("%s:%w", file, err)
		}
	}
	return nil
}

// planTables reads the tables and where their keys stand. Errors begin with the line.
func planTables(doc []byte) ([]planTable, error) {
	var tree map[string]any
	if err := toml.Unmarshal(doc, &tree); err != nil {
		var at *toml.DecodeError
		if errors.As(err, &at) {
			line, _ := at.Position()
			fault := strings.TrimPrefix(err.Error(), "toml: ")
			if strings.Contains(fault, "start of value") {
				fault += "; text is in double quotes"
			}
			return nil, fmt.Errorf("%d: %s, see toml.io", line, fault)
		}
		return nil, fmt.Errorf("1: %w", err)
	}
	values, _ := tree["scenario"].([]any)
	var tables []planTable
	var p unstable.Parser
	for p.Reset(doc); p.NextExpression(); {
		e := p.Expression()
		key := e.Key()
		if !key.Next() {
			continue
		}
		name := string(key.Node().Data)
		line := p.Shape(key.Node().Raw).Start.Line
		switch {
		case e.Kind == unstable.ArrayTable && name == "scenario" && key.IsLast() && len(tables) < len(values):
			tables = append(tables, planTable{line: line})
		case e.Kind == unstable.KeyValue && len(tables) > 0:
			t := &tables[len(tables)-1]
			table, _ := values[len(tables)-1].(map[string]any)
			t.keys = append(t.keys, planKey{name: name, line: line, value: table[name]})
		default:
			return nil, fmt.Errorf("%d: %q is not in a table of scenarios; each begins with a line [[scenario]]", line, name)
		}
	}
	return tables, nil
}

// addTable adds the measurements of one table. Errors begin with the line.
func (f *runFlags) addTable(fs *pflag.FlagSet, t planTable) error {
	at := slices.IndexFunc(t.keys, func(k planKey) bool { return k.name == "scenario" })
	if at < 0 {
		return fmt.Errorf(`%d: the table does not say which scenario, as in scenario = "chat"`, t.line)
	}
	name, _ := t.keys[at].value.(string)
	u, ok := load.Usuals()[name]
	if !ok {
		return fmt.Errorf("%d: scenario: %v is unknown; there are %s", t.keys[at].line, show(t.keys[at].value), scenarioNames())
	}
	var own runFlags
	ownFlags := pflag.NewFlagSet("", pflag.ContinueOnError)
	own.register(ownFlags)
	fs.Visit(func(given *pflag.Flag) { inherit(ownFlags.Lookup(given.Name), given) })
	own.given = func(key string) bool { return fs.Changed(key) || ownFlags.Changed(key) }
	lines, err := t.give(ownFlags, planKeys[:])
	if err != nil {
		return err
	}
	if err := own.expand(name, u); err != nil { // security is all that is looked at
		for _, k := range t.keys {
			if k.name == "security" {
				return fmt.Errorf(`%d: security: %s is not "plain", "tls" or a list of them`, k.line, show(k.value))
			}
		}
		return fmt.Errorf("%d: %w", t.line, err) // from the command line
	}
	for i := range own.plan.Scenarios {
		err := own.plan.Check(&own.plan.Scenarios[i])
		var setting bench.SettingError
		if errors.As(err, &setting) && lines[setting.Key] > 0 {
			return fmt.Errorf("%d: %s: %w", lines[setting.Key], setting.Key, err)
		}
		if err != nil {
			return fmt.Errorf("%d: %s: %w", t.line, name, err)
		}
	}
	for _, k := range t.keys {
		idle := func(s load.Settings) bool { return unused(k.name, &s) != "" }
		if list := own.plan.Scenarios; k.name != "scenario" && !slices.ContainsFunc(list, func(s load.Settings) bool { return !idle(s) }) {
			return fmt.Errorf("%d: %s: %s changes nothing: %s", k.line, k.name, show(k.value), unused(k.name, &list[0]))
		}
	}
	f.plan.Scenarios = append(f.plan.Scenarios, own.plan.Scenarios...)
	return nil
}

// give sets the flags that the table has keys for, which must be among those given, and
// returns where they stand.
func (t planTable) give(fs *pflag.FlagSet, keys []string) (lines map[string]int, err error) {
	lines = map[string]int{}
	for _, k := range t.keys {
		lines[k.name] = k.line
		if k.name == "scenario" {
			continue
		}
		if !slices.Contains(keys, k.name) {
			return nil, noKey(k, keys)
		}
		flag := fs.Lookup(dashed(k.name))
		if err := give(flag, k.value); err != nil {
			return nil, fmt.Errorf("%d: %s: %s is not %s", k.line, cmp.Or(k.shown, k.name), show(k.value), accepted(flag))
		}
		flag.Changed = true
	}
	return lines, nil
}

// inherit gives a flag the value that it has on the command line.
func inherit(to, from *pflag.Flag) {
	if list, ok := from.Value.(pflag.SliceValue); ok {
		_ = to.Value.(pflag.SliceValue).Replace(list.GetSlice()) // was accepted there
		return
	}
	_ = to.Value.Set(from.Value.String()) // was accepted there
}

// give sets a flag to a value of TOML.
func give(flag *pflag.Flag, value any) error {
	if list, ok := flag.Value.(pflag.SliceValue); ok {
		items, isList := value.([]any)
		if !isList {
			items = []any{value}
		}
		var texts []string
		for _, item := range items {
			texts = append(texts, fmt.Sprint(item))
		}
		if len(texts) == 0 {
			return errors.New("empty")
		}
		return list.Replace(texts)
	}
	if _, isText := value.(string); flag.Value.Type() == "string" && !isText {
		return errors.New("no text")
	}
	return flag.Value.Set(fmt.Sprint(value))
}

// accepted says what a flag takes, in a file.
func accepted(flag *pflag.Flag) string {
	switch flag.Value.Type() {
	case "int":
		return "a whole number"
	case "intSlice":
		return "a whole number or a list of them, as in [200, 4000]"
	case "float64":
		return "a number"
	case "bool":
		return "true or false"
	case "duration":
		return `a time, as in "10s" or "1m30s"`
	case "stringSlice":
		return `text or a list of it, as in ["plain", "tls"]`
	}
	return "text in double quotes"
}

// show writes a value as it may stand in a file.
func show(value any) string {
	if s, ok := value.(string); ok {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprint(value)
}

// dashed is the flag of a key in a plan.
func dashed(key string) string { return strings.ReplaceAll(key, "_", "-") }

// underscored is the key of a flag in a plan.
func underscored(flag string) string { return strings.ReplaceAll(flag, "-", "_") }
