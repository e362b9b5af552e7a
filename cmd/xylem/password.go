package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"
)

// passwordMax bounds a password in bytes, as the SASL code does.
const passwordMax = 1024

// passwordFlags are the ways to give a password.
type passwordFlags struct {
	stdin bool
	text  string
	set   *pflag.FlagSet
}

func (f *passwordFlags) register(fs *pflag.FlagSet) {
	f.set = fs
	fs.BoolVar(&f.stdin, "password-stdin", false, "read the password from the first line of standard input")
	fs.StringVar(&f.text, "password", "", "the `password`; other users of the machine may see it in the list of processes")
}

// readPassword gets the password by flag, or asks for it at a terminal.
func (p *program) readPassword(f *passwordFlags) (string, error) {
	given := f.set.Changed("password")
	var password string
	var err error
	switch {
	case f.stdin && given:
		return "", usagef("give --password or --password-stdin, not both")
	case f.stdin:
		password, err = firstLine(p.stdin)
	case given:
		password = f.text
	default:
		password, err = p.askPassword()
	}
	switch {
	case err != nil:
		return "", err
	case password == "":
		return "", usagef("the password is empty")
	case len(password) > passwordMax:
		return "", usagef("the password has %d bytes; at most %d are allowed", len(password), passwordMax)
	}
	return password, nil
}

// firstLine reads up to the first line break, which is no part of it.
func firstLine(r io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, 2*passwordMax)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	return strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"), nil
}

// askPassword asks twice, without echo.
func (p *program) askPassword() (string, error) {
	terminal, ok := p.stdin.(*os.File)
	if !ok || !isTerminal(terminal) {
		return "", usagef("no password given; use --password-stdin (for scripts), or run this at a terminal to be asked")
	}
	restore, err := echoOff(terminal)
	if err != nil {
		return "", fmt.Errorf("terminal: %w", err)
	}
	defer restore()
	in := bufio.NewReader(terminal)
	var answers [2]string
	for i, prompt := range []string{"Password: ", "Again: "} {
		fmt.Fprint(p.stderr, prompt)
		line, err := in.ReadString('\n')
		fmt.Fprintln(p.stderr)
		if err != nil {
			return "", fmt.Errorf("reading the password: %w", err)
		}
		answers[i] = strings.TrimRight(line, "\r\n")
	}
	if answers[0] != answers[1] {
		return "", usagef("the two passwords differ")
	}
	return answers[0], nil
}
