package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/xylem-im/xylem/bench"
)

// progress shows how far a plan is: a bar on a terminal, otherwise a line
// for each step, and one more now and then. Safe for concurrent use.
type progress struct {
	w         io.Writer
	quiet     bool
	terminal  bool
	unwatched func() // ends the watch for interrupts

	now func() time.Time

	mu   sync.Mutex
	what string
	last time.Time // where there is no terminal: when a line was written
	bar  *progressbar.ProgressBar
}

// newProgress shows progress until end, and whether ctx has been interrupted.
func newProgress(ctx context.Context, w io.Writer, quiet bool) *progress {
	_, ok := terminal(w)
	p := &progress{w: w, quiet: quiet, terminal: ok, now: time.Now}
	said := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(said)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.clear()
		fmt.Fprintln(p.w, "xylem-bench: stopping; a second interrupt ends everything at once")
	})
	p.unwatched = func() {
		if !stop() {
			<-said
		}
	}
	return p
}

const resolution = 1000

// room is how wide a bar is, and how much text goes before it on a line; a
// spinner, which tells no part done, has a place of its own.
func room(columns int, spinner bool) (bar, text int) {
	if spinner {
		return 0, columns - len("| ") - 1
	}
	if bar = 16; columns < 100 {
		bar = 8
	}
	return bar, columns - bar - len("  100% ||") - 1
}

func (p *progress) show(g bench.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.quiet:
		return
	case !p.terminal:
		p.line(g)
		return
	case g.What != p.what:
		p.clear()
		bar, _ := room(columns(p.w), g.Done < 0)
		steps := resolution
		if g.Done < 0 {
			steps = -1 // a spinner
		}
		p.bar = progressbar.NewOptions(steps, progressbar.OptionSetWriter(p.w), progressbar.OptionSetWidth(bar),
			progressbar.OptionSetSpinnerChangeInterval(0), // else it draws by itself, into the bar that comes after it
			progressbar.OptionClearOnFinish(), progressbar.OptionSetElapsedTime(false), progressbar.OptionSetPredictTime(false))
		p.what = g.What
	}
	// A line that the terminal breaks could not be wiped.
	_, text := room(columns(p.w), g.Done < 0)
	p.bar.Describe(cut(strings.TrimSuffix(g.What+", "+g.State, ", "), text))
	if g.Done >= 0 {
		_ = p.bar.Set(int(g.Done * resolution)) // only a picture
	} else {
		_ = p.bar.Add(0)
	}
}

// lineEvery is how often a step that goes on tells how far it is, where there is
// no terminal.
const lineEvery = 10 * time.Second

// line writes a step when it begins, and now and then how far it is.
func (p *progress) line(g bench.Progress) {
	now := p.now()
	if g.What == p.what && now.Sub(p.last) < lineEvery {
		return
	}
	text := g.What
	if g.What == p.what {
		if g.Done >= 0 {
			text += fmt.Sprintf(", %.0f %%", 100*g.Done)
		}
		text = strings.TrimSuffix(text+", "+g.State, ", ")
	}
	fmt.Fprintln(p.w, text)
	p.what, p.last = g.What, now
}

// cut makes a text fit into so many columns.
func cut(text string, columns int) string {
	r := []rune(text)
	columns = max(columns, 1)
	if len(r) <= columns {
		return text
	}
	return string(r[:columns-1]) + "…"
}

// end clears the bar for good.
func (p *progress) end() {
	p.unwatched()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}

func (p *progress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear() // only a picture
		p.bar, p.what = nil, ""
	}
}
