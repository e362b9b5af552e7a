package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/pflag"

	"github.com/xylem-im/xylem/bench/load"
	"github.com/xylem-im/xylem/bench/relay"
)

// Exit codes, as those of xylem.
const (
	exitOK     = 0
	exitFailed = 1 // including: a run of the plan failed
	exitUsage  = 2
)

// program is one run of the command line; tests drive it whole.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

// command is one word of the command line.
type command struct {
	name, args, about string
	run               func(p *program, ctx context.Context, fs *pflag.FlagSet, args []string) error
	hidden            bool
}

func commands() []command {
	return []command{
		{name: "run", args: "SCENARIO…", about: "measure servers", run: (*program).measure},
		{name: "inproc", args: "[SCENARIO…]", about: "measure the engine without sockets, up to a million sessions", run: (*program).inproc},
		{name: "compare", args: "A.json B.json", about: "show what changed between two reports, as ratios", run: (*program).compare},
		{name: "report", args: "A.json", about: "make the summary and the HTML page of a report again", run: (*program).report},
		{name: "relay", args: "", about: "run the bare relay that is the floor of comparisons", run: (*program).relay},
		{name: "generate", run: (*program).generate, hidden: true}, // a generator process of run
		{name: "inside", run: (*program).inside, hidden: true},     // a process of inproc
	}
}

// usageError is a wrong command line.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func main() {
	// The first interrupt ends the run and stops the servers; the second one
	// ends the program at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	p := &program{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	os.Exit(p.run(ctx, os.Args[1:]))
}

// run carries out the command line and returns the exit code.
func (p *program) run(ctx context.Context, args []string) int {
	err := p.dispatch(ctx, args)
	if err == nil || errors.Is(err, pflag.ErrHelp) {
		return exitOK
	}
	fmt.Fprintln(p.stderr, "xylem-bench:", err)
	var usage usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

func (p *program) dispatch(ctx context.Context, args []string) error {
	if len(args) == 0 {
		p.help(p.stderr)
		return usagef("no command given")
	}
	switch args[0] {
	case "help", "--help", "-h":
		p.help(p.stdout)
		return nil
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		fs := pflag.NewFlagSet("xylem-bench "+c.name, pflag.ContinueOnError)
		fs.SetOutput(p.stdout)
		fs.Usage = func() {
			fmt.Fprintf(p.stdout, "Usage: %s %s\n\n%s\n\n%s", fs.Name(), c.args, c.about, fs.FlagUsages())
		}
		return c.run(p, ctx, fs, args[1:])
	}
	return usagef("unknown command %q; see xylem-bench help", args[0])
}

// parse reads the flags of a command that takes between low and high further
// arguments.
func parse(fs *pflag.FlagSet, args []string, low, high int) error {
	switch err := fs.Parse(args); {
	case errors.Is(err, pflag.ErrHelp):
		return err
	case err != nil:
		return usagef("%w; see %s --help", readable(err), fs.Name())
	case fs.NArg() < low:
		return usagef("an argument is missing; see %s --help", fs.Name())
	case fs.NArg() > high:
		return usagef("unexpected argument %q; see %s --help", fs.Arg(high), fs.Name())
	}
	return nil
}

// readable is a fault of a flag in the words that a plan file has for it.
func readable(err error) error {
	var bad *pflag.InvalidValueError
	if !errors.As(err, &bad) {
		return err
	}
	what := accepted(bad.GetFlag())
	if bad.GetFlag().Value.Type() == "intSlice" {
		what = "whole numbers, as in 200,4000"
	}
	return fmt.Errorf("--%s: %q is not %s", bad.GetFlag().Name, bad.GetValue(), what)
}

func (p *program) help(w io.Writer) {
	fmt.Fprint(w, "xylem-bench: measures XMPP servers, all in the same way\n\n")
	for _, c := range commands() {
		if !c.hidden {
			fmt.Fprintf(w, "  %-26s %s\n", strings.TrimSpace(c.name+" "+c.args), c.about)
		}
	}
	fmt.Fprintf(w, "\nScenarios of run: %s\nxylem-bench COMMAND --help tells the flags, and what scenarios are.\n", strings.Join(load.Scenarios[:], ", "))
}

// generate is one generator process: it is told by its standard input what to
// do, and ends with it.
func (p *program) generate(ctx context.Context, fs *pflag.FlagSet, args []string) error {
	if err := parse(fs, args, 0, 0); err != nil {
		return err
	}
	return load.Serve(ctx, p.stdin, p.stdout)
}

// relay runs until it is interrupted.
func (p *program) relay(ctx context.Context, fs *pflag.FlagSet, args []string) error {
	address := fs.String("listen", "127.0.0.1:5999", "`host:port` to listen on")
	if err := parse(fs, args, 0, 0); err != nil {
		return err
	}
	err := relay.Run(ctx, *address, func() { fmt.Fprintln(p.stdout, "ready", *address) })
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
