package main

import (
	"fmt"
	"io"
	"os"

	"github.com/schollz/progressbar/v3"

	"github.com/xylem-im/xylem/bench"
)

// progress shows how far a plan is: a bar on a terminal, otherwise one line
// for each step.
type progress struct {
	w        io.Writer
	quiet    bool
	terminal bool
	what     string
	bar      *progressbar.ProgressBar
}

func newProgress(w io.Writer, quiet bool) *progress {
	p := &progress{w: w, quiet: quiet}
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

const resolution = 1000

func (p *progress) show(g bench.Progress) {
	switch {
	case p.quiet:
		return
	case !p.terminal:
		if g.What != p.what {
			fmt.Fprintln(p.w, g.What)
		}
		p.what = g.What
		return
	case g.What != p.what:
		p.end()
		steps := resolution
		if g.Done < 0 {
			steps = -1 // a spinner
		}
		p.bar = progressbar.NewOptions(steps, progressbar.OptionSetWriter(p.w), progressbar.OptionSetWidth(24),
			progressbar.OptionSetSpinnerChangeInterval(0), // else it draws by itself, into the bar that comes after it
			progressbar.OptionClearOnFinish(), progressbar.OptionSetElapsedTime(false), progressbar.OptionSetPredictTime(false))
		p.what = g.What
	}
	p.bar.Describe(g.What + " " + g.State)
	if g.Done >= 0 {
		_ = p.bar.Set(int(g.Done * resolution)) // only a picture
	} else {
		_ = p.bar.Add(0)
	}
}

// end clears the bar.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Clear() // only a picture
		p.bar = nil
	}
}
