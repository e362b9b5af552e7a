package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"
)

// Exit codes, which scripts rely on.
const (
	exitOK     = 0 // done
	exitFailed = 1 // tried and failed
	exitUsage  = 2 // wrong arguments or configuration; nothing was tried
)

func main() {
	p := &program{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, env: os.Getenv}
	os.Exit(p.run(os.Args[1:]))
}

// program is one run of the command line. Everything it touches outside of
// the file system and the network is a field, so that tests drive it whole.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            func(string) string
	signals        <-chan os.Signal // nil: those of the process
}

// command is one word of the command line and what it does.
type command struct {
	name  string // "user add": two words are one command
	args  string // for the usage line
	about string
	run   func(p *program, fs *pflag.FlagSet, args []string) error
}

// commands in the order of the help text.
func commands() []command {
	return []command{
		{"serve", "[flags]", "run the server", (*program).serve},
		{"user add", "JID", "create an account", (*program).userAdd},
		{"user passwd", "JID", "change an account's password", (*program).userPasswd},
		{"user del", "JID", "delete an account", (*program).userDel},
		{"user list", "[DOMAIN]", "list the accounts", (*program).userList},
		{"user tokens", "JID", "list the clients of an account that log in by a token", (*program).userTokens},
		{"user revoke", "JID [CLIENT]", "end the tokens of an account, or of one client of it", (*program).userRevoke},
		{"user import", "FILE.csv", "create accounts from lines of JID,password", (*program).userImport},
		{"domain add", "DOMAIN", "serve a domain until the next restart", (*program).domainAdd},
		{"domain del", "DOMAIN", "stop serving a domain", (*program).domainDel},
		{"domain list", "", "list the domains that are served", (*program).domainList},
		{"s2s status", "[DOMAIN]", "show how it stands with other servers, or all that is known of one domain", (*program).s2sStatus},
		{"s2s check", "DOMAIN", "make a test connection to another domain, step by step", (*program).s2sCheck},
		{"check-config", "FILE", "check a configuration file", (*program).checkConfig},
		{"status", "", "show what a running server does", (*program).status},
		{"version", "", "show the version", (*program).version},
	}
}

// usageError is a wrong command line or configuration: exit code 2.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// usagef makes a usageError.
func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// errReported is a failure that was told already: only the exit code is left.
var errReported = errors.New("reported")

// run carries out the command line without the program's name and returns the
// exit code.
func (p *program) run(args []string) int {
	err := p.dispatch(args)
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errReported):
		return exitFailed
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		fmt.Fprintln(p.stderr, "xylem:", line)
	}
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

func (p *program) dispatch(args []string) error {
	if len(args) == 0 {
		p.help(p.stderr)
		return usagef("no command given")
	}
	switch args[0] {
	case "help", "--help", "-h":
		p.help(p.stdout)
		return nil
	case "--version":
		args[0] = "version"
	}
	c, rest, err := findCommand(args)
	if err != nil {
		return err
	}
	fs := pflag.NewFlagSet("xylem "+c.name, pflag.ContinueOnError)
	fs.SetOutput(io.Discard)
	return c.run(p, fs, rest)
}

// findCommand takes one word or two off args.
func findCommand(args []string) (command, []string, error) {
	all := commands()
	word := args[0]
	group := false
	for _, c := range all {
		first, _, two := strings.Cut(c.name, " ")
		if first == word && !two {
			return c, args[1:], nil
		}
		group = group || first == word
	}
	if group {
		if len(args) > 1 {
			word += " " + args[1]
		}
		for _, c := range all {
			if c.name == word {
				return c, args[2:], nil
			}
		}
	}
	names := make([]string, len(all))
	for i, c := range all {
		names[i] = c.name
	}
	hint := "; see xylem help"
	if n := nearest(word, names); n != "" {
		hint = fmt.Sprintf("; did you mean %q?", n)
	}
	return command{}, nil, usagef("unknown command %q%s", word, hint)
}

// parse reads the flags of a command that takes between low and high further
// arguments. done means that help was asked for and given.
func (p *program) parse(fs *pflag.FlagSet, args []string, low, high int) (done bool, err error) {
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, pflag.ErrHelp) {
			p.commandHelp(fs)
			return true, nil
		}
		return false, usagef("%w; see %s --help", err, fs.Name())
	}
	switch n := fs.NArg(); {
	case n < low:
		return false, usagef("%s: an argument is missing; see %s --help", fs.Name(), fs.Name())
	case n > high:
		return false, usagef("%s: unexpected argument %q; see %s --help", fs.Name(), fs.Arg(high), fs.Name())
	}
	return false, nil
}

func (p *program) help(w io.Writer) {
	fmt.Fprint(w, "xylem: XMPP server\n\nUsage: xylem COMMAND [flags]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-24s %s\n", strings.TrimSpace(c.name+" "+c.args), c.about)
	}
	fmt.Fprint(w, "\nxylem COMMAND --help tells the flags. Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.\n")
}

func (p *program) commandHelp(fs *pflag.FlagSet) {
	for _, c := range commands() {
		if "xylem "+c.name == fs.Name() {
			fmt.Fprintf(p.stdout, "Usage: %s\n\n%s\n\n%s", strings.TrimSpace(fs.Name()+" "+c.args), c.about, fs.FlagUsages())
		}
	}
}
