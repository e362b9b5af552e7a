package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"

	"github.com/spf13/pflag"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/jid"
)

// newAccount is one line of an import.
type newAccount struct {
	line     int
	who      jid.JID
	password string
}

// userImport creates accounts from a file. All lines are checked before the
// first account is made. Accounts that exist are told and left as they are, so
// an import that broke off can be repeated.
func (p *program) userImport(fs *pflag.FlagSet, args []string) error {
	var flags configFlags
	flags.register(fs)
	if done, err := p.parse(fs, args, 1, 1); done || err != nil {
		return err
	}
	conf, err := flags.load()
	if err != nil {
		return usageError{err}
	}
	name, in := fs.Arg(0), p.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("%s: cannot be read: %s", name, unwrapPath(err))
		}
		defer f.Close()
		in = f
	}
	list, err := readImport(name, in)
	if err != nil {
		return fmt.Errorf("%w\n%s: nothing was imported", err, name)
	}
	return p.onAccounts(conf, false, func(ctx context.Context, a accounts) error {
		p.warnUnservedImport(ctx, a, conf, list)
		return p.importAll(ctx, a, name, list)
	})
}

func (p *program) warnUnservedImport(ctx context.Context, a accounts, conf *loaded, list []newAccount) {
	seen := make(map[string]bool)
	for _, n := range list {
		if d := n.who.Domain(); !seen[d] {
			seen[d] = true
			p.warnUnserved(ctx, a, conf, d)
		}
	}
}

// readImport reads lines of JID,password in the CSV of RFC 4180; lines that
// begin with # are comments, and a first line "jid,password" is a header.
func readImport(name string, in io.Reader) ([]newAccount, error) {
	r := csv.NewReader(withoutMark(in))
	r.Comment, r.FieldsPerRecord, r.ReuseRecord = '#', -1, true
	var list []newAccount
	var faults []error
	first := make(map[jid.JID]int)
	for record := 0; ; record++ {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return list, errors.Join(faults...)
		}
		if err != nil { // the rest cannot be read either
			return nil, errors.Join(append(faults, importSyntax(name, err))...)
		}
		line, _ := r.FieldPos(0)
		if record == 0 && strings.EqualFold(strings.Join(fields, ","), "jid,password") {
			continue
		}
		n, err := readAccount(fields)
		if at, twice := first[n.who]; err == nil && twice {
			err = fmt.Errorf("%s is also in line %d", n.who, at)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s:%d: %w", name, line, err))
			continue
		}
		n.line, first[n.who] = line, line
		list = append(list, n)
	}
}

func importSyntax(name string, err error) error {
	var pe *csv.ParseError
	if errors.As(err, &pe) {
		return fmt.Errorf("%s:%d:%d: %w; a quote inside a quoted password is written twice", name, pe.Line, pe.Column, pe.Err)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// withoutMark skips the byte order mark that spreadsheets write.
func withoutMark(in io.Reader) io.Reader {
	b := bufio.NewReader(in)
	mark := []byte("\xef\xbb\xbf")
	if head, err := b.Peek(len(mark)); err == nil && bytes.Equal(head, mark) {
		_, _ = b.Discard(len(mark)) // just peeked at
	}
	return b
}

func readAccount(fields []string) (n newAccount, err error) {
	if len(fields) != 2 {
		return n, fmt.Errorf("%d fields, want 2: JID,password (a password with a comma goes in double quotes)", len(fields))
	}
	if n.who, err = parseAccount(strings.TrimSpace(fields[0])); err != nil {
		return n, err
	}
	switch n.password = fields[1]; {
	case n.password == "":
		return n, errors.New("the password is empty")
	case len(n.password) > passwordMax:
		return n, fmt.Errorf("the password has %d bytes; at most %d are allowed", len(n.password), passwordMax)
	}
	return n, nil
}

// importAll creates the accounts on all cores (hashing passwords is the work)
// and reports in the order of the file.
func (p *program) importAll(ctx context.Context, a accounts, name string, list []newAccount) error {
	results := make([]error, len(list))
	next := make(chan int)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range next {
				results[i] = a.Create(ctx, list[i].who, list[i].password)
			}
		})
	}
	for i := range list {
		next <- i
	}
	close(next)
	workers.Wait()

	added, there, failed := 0, 0, 0
	for i, err := range results {
		switch {
		case err == nil:
			added++
		case errors.Is(err, engine.ErrAccountExists):
			there++
			fmt.Fprintf(p.stderr, "xylem: %s:%d: %s exists already and was left as it is\n", name, list[i].line, list[i].who)
		default:
			failed++
			fmt.Fprintf(p.stderr, "xylem: %s:%d: %s: %v\n", name, list[i].line, list[i].who, err)
		}
	}
	fmt.Fprintf(p.stdout, "added %d, existed already %d, failed %d\n", added, there, failed)
	if failed > 0 {
		return errReported
	}
	return nil
}
