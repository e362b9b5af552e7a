package bench

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/xylem-im/xylem/bench/load"
	"github.com/xylem-im/xylem/bench/measure"
	"github.com/xylem-im/xylem/bench/report"
)

// Times of a phase.
const (
	leadTime     = 300 * time.Millisecond // from the command until all generators are at work
	sampleEvery  = 500 * time.Millisecond
	workTime     = 15 * time.Minute // bound of a phase that ends by its work
	overTime     = 2 * time.Minute  // bound of what comes after a window
	busyElse     = 0.1              // share of the machine in use by others that is worth a warning
	allBusy      = 0.95             // of the machine
	stealLimit   = 0.02
	generatorUse = 0.9
	lateTime     = time.Millisecond // of a generator that is worth a warning
)

// outcome is what one phase came to, over all generators.
type outcome struct {
	counters map[string]int64
	hists    map[string]*hdrhistogram.Histogram
	server   measure.CPU   // of all servers
	servers  []measure.CPU // of each
	measured bool          // server is known
	wall     time.Duration
	busy     float64 // share of the machine
	shared   bool    // servers and generators may run on the same cores
	genUse   float64 // share of the generator's cores
	series   []report.Sample
	notes    []string
	late     time.Duration // 99 % of an open loop was sent no later than this after it was due
	peak     int64         // bytes of resident memory, in slow
}

// phase runs one. When timed, the window is the scenario's warm-up and
// duration; otherwise the phase ends by its work.
func (r *run) phase(ctx context.Context, name string, timed bool) (*outcome, error) {
	command := load.Command{Do: "run", Phase: name}
	limit := workTime
	if timed {
		command.From = time.Now().Add(leadTime+r.job.Warmup).UnixNano() - r.job.Epoch
		command.To = command.From + int64(r.job.Duration)
		limit = leadTime + r.job.Warmup + r.job.Duration + overTime
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the scenario did not end in %v", limit))
	defer cancel()

	watching, stop := context.WithCancel(ctx)
	result := make(chan *outcome, 1)
	go func() { result <- r.observe(watching, command) }()
	events, err := r.fleet.all(ctx, "done", func(*generator, int) load.Command { return command })
	stop()
	o := <-result
	if err != nil {
		return nil, err
	}
	return o, o.merge(events)
}

// observe reads what the server uses until ctx ends: precisely at both ends of
// the window, and between them for the curves.
func (r *run) observe(ctx context.Context, c load.Command) *outcome {
	o := &outcome{}
	at := func(t int64) time.Duration { return time.Duration(r.job.Epoch + t - time.Now().UnixNano()) }
	begin, from := r.cpus(), time.Now()
	last, lastTime, lastCount := total(begin), from, r.fleet.counter(r.counts)
	var open, closed <-chan time.Time
	if c.To > 0 {
		open, closed = time.After(at(c.From)), time.After(at(c.To))
	}
	zero := from
	if c.To > 0 {
		zero = from.Add(at(c.From))
	}
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	load0, overflows := measure.ReadLoad(), measure.Overflows()
	ended := false
	end := func() {
		ended = true
		o.wall = time.Since(from)
		for i, now := range r.cpus() {
			o.servers = append(o.servers, now.Sub(begin[i]))
		}
		o.server = total(o.servers)
		o.measured = r.known()
		r.surroundings(load0, o)
		if n := measure.Overflows() - overflows; n > 0 {
			o.notes = append(o.notes, refused(n))
		}
	}
	for {
		select {
		case <-open:
			begin, from, load0, overflows = r.cpus(), time.Now(), measure.ReadLoad(), measure.Overflows()
		case <-closed:
			end()
		case now := <-tick.C:
			cpu, count := total(r.cpus()), r.fleet.counter(r.counts)
			span := now.Sub(lastTime).Seconds()
			s := report.Sample{At: now.Sub(zero).Seconds(), Rate: float64(count-lastCount) / span,
				Server: cpu.Sub(last).Total().Seconds() / span}
			if c.To == 0 || at(c.To) > 0 { // what comes behind the window is not load
				o.series = append(o.series, s)
			}
			last, lastTime, lastCount = cpu, now, count
			r.tell(c, s)
			if r.job.Scenario == load.Slow && r.known() {
				if n, err := measure.Resident(r.server.PID); err == nil {
					o.peak = max(o.peak, n)
				}
			}
		case <-ctx.Done():
			if !ended { // the work ended the phase, or the generators' clocks were a moment ahead
				end()
			}
			return o
		}
	}
}

// tell reports a moment to whoever watches.
func (r *run) tell(c load.Command, s report.Sample) {
	done := -1.0
	if c.To > 0 {
		whole := (r.job.Warmup + r.job.Duration).Seconds()
		done = min(1, max(0, (s.At+r.job.Warmup.Seconds())/whole))
	}
	state := fmt.Sprintf("%s %.0f/s", r.counts, s.Rate)
	if r.known() {
		state += fmt.Sprintf(", server %.2f cores", s.Server)
	}
	if s.At < 0 {
		state += ", warming up"
	}
	r.plan.watch(Progress{What: r.title(c.Phase), Done: done, State: state})
}

// refused says that servers did not accept connections in time.
func refused(n int64) string {
	return fmt.Sprintf("%d connections found the queue of those to be accepted full and were tried again a second or more later: "+
		"that is most of the slowest logins (the server's listen backlog, net.core.somaxconn)", n)
}

// surroundings notes what else went on in the machine.
func (r *run) surroundings(before measure.Load, o *outcome) {
	busy, steal := measure.ReadLoad().Since(before)
	if steal > stealLimit {
		o.notes = append(o.notes, fmt.Sprintf("the host took more than %.0f %% of the machine's time (steal)", stealLimit*100))
	}
	o.busy, o.shared = busy, r.plan.ServerCPUs == "" || r.plan.ClientCPUs == ""
}

// merge adds up what the generators counted.
func (o *outcome) merge(events []load.Event) error {
	o.counters, o.hists = map[string]int64{}, map[string]*hdrhistogram.Histogram{}
	var used time.Duration
	cores := 0
	for _, e := range events {
		for name, n := range e.Result.Counters {
			o.counters[name] += n
		}
		for name, b := range e.Result.Histograms {
			h, err := hdrhistogram.Decode(b)
			if err != nil {
				return fmt.Errorf("histogram %s: %w", name, err)
			}
			if o.hists[name] == nil {
				o.hists[name] = load.NewHistogram()
			}
			if o.hists[name].Merge(h) > 0 {
				return fmt.Errorf("histogram %s: values out of range", name)
			}
		}
		used += e.Result.CPU
		cores = max(cores, e.Result.Cores)
		o.notes = append(o.notes, e.Result.Notes...)
		o.wall = max(o.wall, e.Result.Wall)
	}
	if o.wall <= 0 || cores == 0 {
		return fmt.Errorf("nothing was measured")
	}
	if h := o.hists[load.HistLate]; h != nil {
		o.late = time.Duration(h.ValueAtQuantile(99))
	}
	if h := o.hists[load.HistMessage]; h != nil && o.late > lateTime && o.late > time.Duration(h.ValueAtQuantile(99))/4 {
		o.notes = append(o.notes, "the generator fell behind (generator late): latency is its as much as the server's")
	}
	o.genUse = used.Seconds() / o.wall.Seconds() / float64(cores)
	if o.genUse > generatorUse {
		o.notes = append(o.notes, fmt.Sprintf("the generator was saturated (more than %.0f %% of its cores): the server could do more; CPU per message still holds", generatorUse*100))
	}
	switch others := o.busy - (used+o.server.Total()).Seconds()/o.wall.Seconds()/float64(runtime.NumCPU()); {
	case o.measured && others > busyElse:
		o.notes = append(o.notes, fmt.Sprintf("the machine was busy with something else, too (more than %.0f %% of it)", busyElse*100))
	case o.shared && o.busy > allBusy:
		o.notes = append(o.notes, "server and generators shared cores that were all busy, so they slowed each other: give them cores of their own (--server-cpus, --client-cpus)")
	}
	return nil
}
