package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
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
	Sizes    []int           // numbers of sessions
	Kinds    []string        // KindBare, KindStock
	Settings inproc.Settings // but Sessions and Stock
	Turns    int             // default 1
	CPUs     string          // cores, as for taskset; "" is all
	Self     string          // binary of xylem-bench, which is started for each measurement
	Note     string
	Watch    func(Progress) // may be nil
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

// RunInProcess carries out a plan, the turns going around kinds and sizes.
// Errors are those of Run.
func RunInProcess(ctx context.Context, p InProcessPlan) (*report.Report, error) {
	if len(p.Sizes) == 0 || len(p.Kinds) == 0 {
		return nil, errors.New("a plan needs a number of sessions and a kind")
	}
	for _, kind := range p.Kinds {
		if kind != KindBare && kind != KindStock {
			return nil, fmt.Errorf("kind %q is unknown; there are %s and %s", kind, KindBare, KindStock)
		}
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	if err := checkCPUs(p.CPUs); err != nil {
		return nil, fmt.Errorf("--cpus %s: %w", p.CPUs, err)
	}
	p.Turns = max(1, p.Turns)
	rep := &report.Report{Format: report.Format, Created: time.Now().UTC().Truncate(time.Second), Machine: measure.ThisMachine(""), Harness: version(),
		Server: p.CPUs, Client: p.CPUs, Versions: map[string]string{}, Order: p.Kinds, Note: p.Note}
	for turn := 1; turn <= p.Turns; turn++ {
		for _, size := range p.Sizes {
			for _, kind := range p.Kinds {
				run, version := p.once(ctx, kind, size, turn)
				if ctx.Err() != nil {
					return rep, context.Cause(ctx)
				}
				rep.Versions[kind] = version
				rep.Runs = append(rep.Runs, run)
			}
		}
	}
	growth(rep.Runs)
	return rep, nil
}

// check refuses what no process could measure, before one is started.
func (p *InProcessPlan) check() error {
	memory := measure.ThisMachine("").Memory
	for _, n := range p.Sizes {
		s := p.Settings
		s.Sessions = n
		if err := s.Check(); err != nil {
			return err
		}
		if need := int64(n) * inproc.LeastBytes; memory > 0 && need > memory {
			return fmt.Errorf("--sessions %d: they take at least %d MiB, clients included, and the machine has %d", n, need>>20, memory>>20)
		}
	}
	if p.Turns < 0 {
		return fmt.Errorf("--turns %d: there is at least one", p.Turns)
	}
	return nil
}

// once is one measurement in a process of its own.
func (p *InProcessPlan) once(ctx context.Context, kind string, size, turn int) (run report.Run, version string) {
	s := p.Settings
	s.Sessions, s.Stock = size, kind == KindStock
	run = report.Run{Target: kind, Turn: turn, Figures: map[string]float64{}, Settings: load.Settings{
		Scenario: report.InProcess, Sessions: size, Payload: s.Payload, Window: s.Chains, Warmup: s.Warmup, Duration: s.Duration}}
	if _, flooders, stalled := s.Crowd(); stalled > 0 {
		run.Settings.Rate, run.Settings.Extra, run.Settings.Flood, run.Settings.Held = s.Rate, flooders+stalled, s.Flood, s.Held
	}
	if s.Fanout > 0 && s.Stock {
		run.Settings.Rate, run.Settings.Fanout, run.Settings.Online, run.Settings.Updates, run.Settings.Logins = s.Rate, s.Fanout, s.Online, s.Updates, s.Logins
	}
	title := fmt.Sprintf("%s, %d sessions, turn %d of %d", kind, size, turn, p.Turns)
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
