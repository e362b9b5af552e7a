package bench

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/xylem-im/xylem/bench/load"
)

// openFiles raises the limit of open files as far as it goes, for this process
// and those that it starts, and returns it.
func openFiles() int {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil {
		return 1024
	}
	l.Cur = l.Max
	_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l) // what there is must do
	return int(min(l.Cur, 1<<20))
}

// generator is one process that makes traffic.
type generator struct {
	cmd      *exec.Cmd
	in       io.WriteCloser
	commands *json.Encoder
	answers  chan load.Event // all but progress
	progress atomic.Pointer[map[string]int64]
	output   bytes.Buffer // of errors; after done
	done     chan struct{}
	err      error // how it ended; after done
}

// startGenerator starts one and gives it its job.
func (p *Plan) startGenerator(job load.Job) (*generator, error) {
	command := p.onCores(job, p.Self, "generate")
	g := &generator{cmd: exec.Command(command[0], command[1:]...), answers: make(chan load.Event, 4), done: make(chan struct{})}
	// Interrupts are for this process alone, but the other ends with it.
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	g.cmd.Stderr = &g.output
	var err error
	if g.in, err = g.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := g.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := g.cmd.Start(); err != nil {
		return nil, fmt.Errorf("generator: %w", err)
	}
	go g.listen(out)
	g.commands = json.NewEncoder(g.in)
	if err := g.commands.Encode(job); err != nil {
		<-g.done
		return nil, g.ended()
	}
	return g, nil
}

// ended tells how the process ended; after done.
func (g *generator) ended() error {
	how := "by itself"
	if g.err != nil {
		how = "(" + g.err.Error() + ")"
	}
	return fmt.Errorf("a generator ended %s: %s", how, cmp.Or(fmt.Sprintf("%.2000s", g.output.String()), "it wrote nothing"))
}

// listen reads events until the process ends.
func (g *generator) listen(out io.Reader) {
	defer close(g.done)
	d := json.NewDecoder(out)
	for {
		var e load.Event
		if d.Decode(&e) != nil {
			break
		}
		if e.Is == "progress" {
			g.progress.Store(&e.Counters)
			continue
		}
		g.answers <- e
	}
	g.err = g.cmd.Wait() // told where an answer is missing
}

// ask sends a command and waits for its answer.
func (g *generator) ask(ctx context.Context, c load.Command, want string) (load.Event, error) {
	if err := g.commands.Encode(c); err != nil {
		<-g.done
		return load.Event{}, g.ended()
	}
	select {
	case e := <-g.answers:
		if e.Is != want {
			return e, errors.New(e.Error)
		}
		return e, nil
	case <-g.done:
		return load.Event{}, g.ended()
	case <-ctx.Done():
		return load.Event{}, context.Cause(ctx)
	}
}

// stop ends the process: by its command, and after a while for certain.
func (g *generator) stop() {
	_ = g.commands.Encode(load.Command{Do: "quit"}) // or it has ended already
	_ = g.in.Close()
	timeout := time.NewTimer(20 * time.Second)
	defer timeout.Stop()
	for {
		select {
		case <-g.answers: // nobody waits for it any more
		case <-g.done:
			return
		case <-timeout.C:
			_ = g.cmd.Process.Kill()
		}
	}
}

// fleet is all generators of a run.
type fleet []*generator

// launch starts the processes of a job.
func (p *Plan) launch(job load.Job) (fleet, error) {
	var f fleet
	for _, j := range p.split(job) {
		g, err := p.startGenerator(j)
		if err != nil {
			f.stop()
			return nil, err
		}
		f = append(f, g)
	}
	return f, nil
}

func (f fleet) stop() {
	var group sync.WaitGroup
	for _, g := range f {
		group.Go(g.stop)
	}
	group.Wait()
}

// all lets every generator do what make returns for it and waits for them.
func (f fleet) all(ctx context.Context, want string, command func(g *generator, i int) load.Command) ([]load.Event, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	events := make([]load.Event, len(f))
	var group sync.WaitGroup
	for i, g := range f {
		group.Go(func() {
			e, err := g.ask(ctx, command(g, i), want)
			if err != nil {
				cancel(err)
			}
			events[i] = e
		})
	}
	group.Wait()
	return events, context.Cause(ctx)
}

// counter is the sum of a counter in the latest news of all generators.
func (f fleet) counter(name string) (n int64) {
	for _, g := range f {
		if c := g.progress.Load(); c != nil {
			n += (*c)[name]
		}
	}
	return n
}
