package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/xylem-im/xylem/bench/inproc"
	"github.com/xylem-im/xylem/bench/load"
	"github.com/xylem-im/xylem/bench/measure"
	"github.com/xylem-im/xylem/bench/report"
)

// Kinds of engine that an InProcessPlan measures.
const (
	KindBare  = "bare"  // sessions and routing, no extension
	KindStock = "stock" // as the xylem binary, with a store in memory
)

// InProcessPlan says what to measure without sockets, see bench/inproc.
type InProcessPlan struct {
	Parts []InProcessPart
	Turns int    // default 1
	CPUs  string // cores, as for taskset; "" is all
	Self  string // binary of xylem-bench, which is started for each measurement
	Note  string
	Watch func(Progress) // may be nil
}

// InProcessPart is one set of settings, measured with each kind at each size.
type InProcessPart struct {
	Name     string          // that people gave it; may be empty
	Sizes    []int           // numbers of sessions
	Kinds    []string        // KindBare, KindStock
	Settings inproc.Settings // but Sessions and Stock
}

// insideEvent is what a process that measures tells.
type insideEvent struct {
	State  string         `json:"state,omitempty"`
	Result *inproc.Result `json:"result,omitempty"`
	Error  string         `json:"error,omitempty"`
}

// Inside is the process that measures: it reads its Settings from in and tells
// events to out.
func Inside(ctx context.Context, in io.Reader, out io.Writer) error {
	var s inproc.Settings
	if err := json.NewDecoder(in).Decode(&s); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	enc := json.NewEncoder(out)
	res, err := inproc.Run(ctx, s, func(state string) { _ = enc.Encode(insideEvent{State: state}) }) // the result finds a broken pipe, too
	if err != nil {
		return enc.Encode(insideEvent{Error: err.Error()})
	}
	return enc.Encode(insideEvent{Result: res})
}

// RunInProcess carries out a plan, the turns going around parts, kinds and sizes.
// Errors are those of Run.
func RunInProcess(ctx context.Context, p InProcessPlan) (*report.Report, error) {
	if len(p.Parts) == 0 || p.Turns < 0 {
		return nil, errors.New("a plan needs a part and a turn")
	}
	var kinds []string
	for i := range p.Parts {
		if err := p.Parts[i].Check(); err != nil {
			return nil, err
		}
		kinds = append(kinds, p.Parts[i].Kinds...)
	}
	slices.Sort(kinds) // bare first
	if err := checkCPUs(p.CPUs); err != nil {
		return nil, fmt.Errorf("--cpus %s: %w", p.CPUs, err)
	}
	p.Turns = max(1, p.Turns)
	rep := &report.Report{Format: report.Format, Created: time.Now().UTC().Truncate(time.Second), Machine: measure.ThisMachine(""), Harness: version(),
		Server: p.CPUs, Client: p.CPUs, Versions: map[string]string{}, Order: slices.Compact(kinds), Note: p.Note}
	for turn := 1; turn <= p.Turns; turn++ {
		for _, part := range p.Parts {
			for _, size := range part.Sizes {
				for _, kind := range part.Kinds {
					run, version := p.once(ctx, &part, kind, size, turn)
					if ctx.Err() != nil {
						return rep, context.Cause(ctx)
					}
					if version != "" {
						rep.Versions[kind] = version
					}
					rep.Runs = append(rep.Runs, run)
				}
			}
		}
	}
	growth(rep.Runs)
	return rep, nil
}

// Check refuses what no process could measure, before one is started. The errors are
// inproc.SettingErrors, which may be joined.
func (p *InProcessPart) Check() error {
	if len(p.Sizes) == 0 {
		return inproc.SettingError{Key: "sessions", Problem: "there is no number of them"}
	}
	if len(p.Kinds) == 0 {
		return inproc.SettingError{Key: "kind", Problem: "there is none"}
	}
	needs := func(scenario string) bool { return !inproc.NeedsStock(scenario) }
	for _, kind := range p.Kinds {
		switch {
		case kind != KindBare && kind != KindStock:
			return inproc.SettingError{Key: "kind", Problem: fmt.Sprintf("%q is unknown; there are %s and %s", kind, KindBare, KindStock)}
		case kind == KindBare && len(p.Settings.Only) > 0 && !slices.ContainsFunc(p.Settings.Only, needs):
			return inproc.SettingError{Key: "kind", Problem: fmt.Sprintf("%s has no extensions, which %s needs; %s has", kind, strings.Join(p.Settings.Only, ", "), KindStock)}
		}
		for _, n := range p.Sizes {
			s := p.Settings
			s.Sessions, s.Stock = n, kind == KindStock
			if err := s.Check(); err != nil {
				return err
			}
		}
	}
	memory := measure.ThisMachine("").Memory
	for _, n := range p.Sizes {
		if need := int64(n) * inproc.LeastBytes; memory > 0 && need > memory {
			return inproc.SettingError{Key: "sessions", Problem: fmt.Sprintf("%d take at least %d MiB, clients included, and the machine has %d", n, need>>20, memory>>20)}
		}
	}
	return nil
}

// chosen says what of a measurement its other settings do not: the scenarios, if not all
// are measured, and what is not as it is by default.
func chosen(s *inproc.Settings) string {
	var list []string
	for _, name := range load.Scenarios {
		if slices.Contains(s.Only, name) {
			list = append(list, name)
		}
	}
	text := strings.Join(list, ", ")
	add := func(differs bool, format string, args ...any) {
		if differs {
			text = strings.TrimPrefix(text+"; "+fmt.Sprintf(format, args...), "; ")
		}
	}
	add(s.Loops > 0, "%d event loops", s.Loops)
	add(!s.HugePages, "no huge pages")
	add(s.Measures(load.Mix) && s.Comers != load.Usuals()[load.Mix].Extra, "%d who come and go", s.Comers)
	add(s.Measures(load.S2S) && s.Far != inproc.HotSessions, "%d at the other server", s.Far)
	return text
}

// settings are those of a run, as a report has them.
func (p *InProcessPart) settings(s *inproc.Settings) load.Settings {
	out := load.Settings{Scenario: report.InProcess, Name: p.Name, Inside: chosen(s), Sessions: s.Sessions, Payload: s.Payload,
		Warmup: s.Warmup, Duration: s.Duration}
	if s.Measures(load.Chat) || s.Measures(load.S2S) {
		out.Window = s.Chains
	}
	if _, flooders, stalled := s.Crowd(); stalled > 0 && (s.Measures(load.Churn) || s.Measures(load.Slow)) {
		out.Rate, out.Extra, out.Flood, out.Held = s.Rate, flooders+stalled, s.Flood, s.Held
	}
	if s.Measures(load.Mix) {
		out.Rate, out.Fanout, out.Online, out.Updates, out.Logins = s.Rate, s.Fanout, s.Online, s.Updates, s.Logins
	}
	return out
}

// once is one measurement in a process of its own.
func (p *InProcessPlan) once(ctx context.Context, part *InProcessPart, kind string, size, turn int) (run report.Run, version string) {
	s := part.Settings
	s.Sessions, s.Stock = size, true
	asked := part.settings(&s) // the same of all kinds, which are shown side by side
	s.Stock = kind == KindStock
	run = report.Run{Target: kind, Turn: turn, Figures: map[string]float64{}, Settings: asked}
	title := fmt.Sprintf("%s, %d sessions, turn %d of %d", kind, size, turn, p.Turns)
	if part.Name != "" {
		title = part.Name + ": " + title
	}
	load0 := measure.ReadLoad()
	res, err := p.inside(ctx, s, func(state string) {
		if p.Watch != nil {
			p.Watch(Progress{What: title, Done: -1, State: state})
		}
	})
	if err != nil {
		run.Failed = err.Error()
		return run, ""
	}
	run.Warnings = res.Warnings
	if _, steal := measure.ReadLoad().Since(load0); steal > stealLimit {
		run.Warnings = append(run.Warnings, fmt.Sprintf("the host took more than %.0f %% of the machine's time (steal)", stealLimit*100))
	}
	if err := insideFigures(&run, res); err != nil {
		run.Failed = err.Error()
	}
	return run, res.Version
}

// inside starts the process and listens to it.
func (p *InProcessPlan) inside(ctx context.Context, s inproc.Settings, tell func(string)) (*inproc.Result, error) {
	name, args := p.Self, []string{"inside"}
	if p.CPUs != "" {
		name, args = "taskset", []string{"-c", p.CPUs, p.Self, "inside"}
	}
	in, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, name, args...)
	// Interrupts are for this process alone, but the other ends with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Stdin, cmd.Stderr = strings.NewReader(string(in)), os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var last insideEvent
	for d := json.NewDecoder(out); ; {
		var e insideEvent
		if d.Decode(&e) != nil {
			break // how it ended is told by Wait
		}
		if last = e; e.State != "" {
			tell(e.State)
		}
	}
	switch err := cmd.Wait(); {
	case err != nil:
		return nil, fmt.Errorf("the process that measures: %w", err)
	case last.Error != "":
		return nil, errors.New(last.Error)
	case last.Result == nil:
		return nil, errors.New("the process that measures told no result")
	}
	return last.Result, nil
}
