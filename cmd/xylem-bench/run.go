package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/xylem-im/xylem/bench"
	"github.com/xylem-im/xylem/bench/report"
)

// measure is the command run.
func (p *program) measure(ctx context.Context, fs *pflag.FlagSet, args []string) error {
	var f runFlags
	f.register(fs)
	fs.Usage = func() { f.help(p.stdout) }
	if err := parse(fs, args, 0, 1000); err != nil {
		return err
	}
	if err := f.scenarios(fs, fs.Args()); err != nil {
		return err
	}
	if f.given("turns") && f.plan.Turns < 1 {
		return usagef("--turns %d: there is at least one", f.plan.Turns)
	}
	if err := f.plan.Complete(); err != nil {
		return usageError{err}
	}
	if err := errors.Join(f.unused(), f.unusedOfServers()); err != nil {
		return err
	}
	for _, file := range []string{f.json, f.html} {
		if err := writable(file); err != nil {
			return usageError{err} // now, not after the measurement
		}
	}
	clean, err := f.find(ctx)
	if err != nil {
		return err
	}
	defer clean()
	bar := newProgress(ctx, p.stderr, f.quiet)
	f.plan.Watch = bar.show
	rep, err := bench.Run(ctx, f.plan)
	bar.end()
	return p.finish("run", args, rep, err, f.json, f.html)
}

// finish writes the report of a plan that ended with err.
func (p *program) finish(command string, args []string, rep *report.Report, err error, json, html string) error {
	switch {
	case rep == nil:
		return usageError{err}
	case err != nil && len(rep.Runs) == 0:
		return fmt.Errorf("interrupted; nothing was measured: %w", err)
	}
	rep.Command = append([]string{"xylem-bench", command}, args...)
	if outErr := p.output(rep, json, html); outErr != nil {
		return errors.Join(err, outErr)
	}
	if err != nil {
		return fmt.Errorf("interrupted; the report has what was measured: %w", err)
	}
	return failures(rep)
}

// writable tells whether a report can be written to file, "" being none.
func writable(file string) error {
	if file == "" {
		return nil
	}
	_, missing := os.Stat(file)
	out, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	if err := out.Close(); err != nil || missing == nil {
		return err
	}
	return os.Remove(file)
}

// failures is an error when a run of the plan failed.
func failures(rep *report.Report) error {
	n := 0
	for _, run := range rep.Runs {
		if run.Failed != "" {
			n++
		}
	}
	if n > 0 {
		return fmt.Errorf("%d of %d runs failed", n, len(rep.Runs))
	}
	return nil
}

// find finds the binaries and makes the folder of the servers. clean removes
// what was made.
func (f *runFlags) find(ctx context.Context) (clean func(), err error) {
	clean = func() {}
	if f.plan.Self, err = os.Executable(); err != nil {
		return nil, err
	}
	if f.plan.Dir == "" {
		if f.plan.Dir, err = os.MkdirTemp("", "xylem-bench-"); err != nil {
			return nil, err
		}
		dir := f.plan.Dir
		clean = func() { _ = os.RemoveAll(dir) } // a temporary folder
	}
	if f.plan.Dir, err = filepath.Abs(f.plan.Dir); err != nil {
		return nil, err
	}
	needed := false
	for _, t := range f.plan.Targets {
		needed = needed || strings.HasPrefix(t, "xylem")
	}
	if needed {
		if f.plan.Xylem, err = findXylem(ctx, f.plan.Xylem, f.plan.Dir); err != nil {
			clean()
			return nil, err
		}
	}
	return clean, nil
}

// findXylem returns the binary given, one built from the module around the
// working directory, or the one in PATH.
func findXylem(ctx context.Context, given, dir string) (string, error) {
	if given != "" {
		if _, err := exec.LookPath(given); err != nil {
			return "", usagef("--xylem: %w", err)
		}
		return filepath.Abs(given)
	}
	if out, err := exec.CommandContext(ctx, "go", "list", "-m").Output(); err == nil &&
		strings.TrimSpace(string(out)) == "github.com/xylem-im/xylem" {
		binary := filepath.Join(dir, "xylem.bin")
		out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "github.com/xylem-im/xylem/cmd/xylem").CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("build xylem: %w: %.1000s", err, out)
		}
		return binary, nil
	}
	binary, err := exec.LookPath("xylem")
	if err != nil {
		return "", usagef("no xylem found; name its binary by --xylem")
	}
	return filepath.Abs(binary)
}

// output writes the report in all forms that were asked for.
func (p *program) output(rep *report.Report, json, html string) error {
	err := rep.Table(p.stdout, columns(p.stdout))
	if json != "" {
		err = errors.Join(err, rep.Write(json))
	}
	if html != "" {
		err = errors.Join(err, rep.WriteHTML(html))
	}
	return err
}

// compare is the command compare.
func (p *program) compare(_ context.Context, fs *pflag.FlagSet, args []string) error {
	check := fs.Float64("check", 0, "exit with 1 if a figure is worse by more than `percent`, and not by noise: every run of B is worse than every run of A")
	if err := parse(fs, args, 2, 2); err != nil {
		return err
	}
	if !(*check >= 0) {
		return usagef("--check %g: a percentage is 0 or more", *check)
	}
	a, err := report.Read(fs.Arg(0))
	if err != nil {
		return usageError{err}
	}
	b, err := report.Read(fs.Arg(1))
	if err != nil {
		return usageError{err}
	}
	worse, err := report.Compare(p.stdout, a, b, columns(p.stdout), *check/100)
	if err != nil {
		return usageError{err}
	}
	if fs.Changed("check") && len(worse) > 0 {
		return fmt.Errorf("worse in B by more than %g %%: %s", *check, strings.Join(worse, "; "))
	}
	return nil
}

// report is the command report.
func (p *program) report(_ context.Context, fs *pflag.FlagSet, args []string) error {
	html := fs.String("html", "", "`file` for the page")
	if err := parse(fs, args, 1, 1); err != nil {
		return err
	}
	rep, err := report.Read(fs.Arg(0))
	if err != nil {
		return usageError{err}
	}
	return p.output(rep, "", *html)
}
