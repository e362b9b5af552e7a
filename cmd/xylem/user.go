package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/storage"
)

func (p *program) userAdd(fs *pflag.FlagSet, args []string) error {
	return p.withPassword(fs, args, false, "added", func(ctx context.Context, a accounts, who jid.JID, password string) error {
		return a.Create(ctx, who, password)
	})
}

func (p *program) userPasswd(fs *pflag.FlagSet, args []string) error {
	return p.withPassword(fs, args, true, "changed the password of", func(ctx context.Context, a accounts, who jid.JID, password string) error {
		return a.SetPassword(ctx, who, password)
	})
}

// withPassword is the way of add and passwd: an address, a password, one act.
// Everything that the user typed is checked before anything is opened.
func (p *program) withPassword(fs *pflag.FlagSet, args []string, mustExist bool, did string, act func(context.Context, accounts, jid.JID, string) error) error {
	var pass passwordFlags
	pass.register(fs)
	who, conf, done, err := p.accountArguments(fs, args, 1)
	if done || err != nil {
		return err
	}
	password, err := p.readPassword(&pass)
	if err != nil {
		return err
	}
	return p.onAccounts(conf, mustExist, func(ctx context.Context, a accounts) error {
		if err := act(ctx, a, who, password); err != nil {
			return plainAccountError(who.String(), err)
		}
		p.warnUnserved(ctx, a, conf, who.Domain())
		fmt.Fprintln(p.stdout, did, who)
		return nil
	})
}

// accountArguments reads the arguments of a command, most of them at the most, of
// which the first is an account. done: help was asked for and given.
func (p *program) accountArguments(fs *pflag.FlagSet, args []string, most int) (who jid.JID, conf *loaded, done bool, err error) {
	var flags configFlags
	flags.register(fs)
	if done, err = p.parse(fs, args, 1, most); done || err != nil {
		return who, nil, done, err
	}
	if who, err = parseAccount(fs.Arg(0)); err != nil {
		return who, nil, false, usageError{err}
	}
	if conf, err = flags.load(); err != nil {
		return who, nil, false, usageError{err}
	}
	return who, conf, false, nil
}

// onAccount is the way of commands of which the first argument is an account that
// exists.
func (p *program) onAccount(fs *pflag.FlagSet, args []string, most int, act func(context.Context, accounts, jid.JID) error) error {
	who, conf, done, err := p.accountArguments(fs, args, most)
	if done || err != nil {
		return err
	}
	return p.onAccounts(conf, true, func(ctx context.Context, a accounts) error { return act(ctx, a, who) })
}

// onAccounts opens the accounts, acts and closes them.
func (p *program) onAccounts(conf *loaded, mustExist bool, act func(context.Context, accounts) error) error {
	ctx := context.Background()
	a, err := openAccounts(ctx, conf, p.quietLogger(), mustExist)
	if err != nil {
		return err
	}
	return errors.Join(act(ctx, a), a.Close())
}

// quietLogger is for commands that answer on stdout: only warnings are shown.
func (p *program) quietLogger() *slog.Logger {
	level := new(slog.LevelVar)
	level.Set(slog.LevelWarn)
	return newLogger(p.stderr, "text", level)
}

// plainAccountError says the engine's errors in the words of the command line.
func plainAccountError(who string, err error) error {
	switch {
	case errors.Is(err, engine.ErrAccountExists):
		return fmt.Errorf("%s exists already; xylem user passwd changes its password", who)
	case errors.Is(err, engine.ErrNoAccount):
		return fmt.Errorf("there is no account %s; xylem user list shows those that there are", who)
	}
	if errors.Is(err, storage.ErrConflict) {
		return fmt.Errorf("%s was changed by somebody else at the same moment; try again", who)
	}
	return err
}

// warnUnserved warns of an account nobody can use yet: its domain is not
// served by the running server, or by the configuration file given.
func (p *program) warnUnserved(ctx context.Context, a accounts, conf *loaded, domain string) {
	served := conf.Server.Domains
	if client, ok := a.(*adminClient); ok {
		var err error
		if served, err = client.domains(ctx); err != nil {
			return // the account is made; this was only to help
		}
	} else if _, said := conf.origins["server.domains"]; !said {
		return // the server's domains are not known here
	}
	if !slices.Contains(served, domain) {
		fmt.Fprintf(p.stderr, "xylem: warning: %s is not served (served: %s); the account works once it is, see xylem domain add and server.domains\n",
			domain, strings.Join(served, ", "))
	}
}

func (p *program) userDel(fs *pflag.FlagSet, args []string) error {
	return p.onAccount(fs, args, 1, func(ctx context.Context, a accounts, who jid.JID) error {
		if err := a.Delete(ctx, who); err != nil {
			return plainAccountError(who.String(), err)
		}
		fmt.Fprintln(p.stdout, "deleted", who)
		return nil
	})
}

func (p *program) userList(fs *pflag.FlagSet, args []string) error {
	var flags configFlags
	flags.register(fs)
	if done, err := p.parse(fs, args, 0, 1); done || err != nil {
		return err
	}
	domain := ""
	if fs.NArg() == 1 {
		var err error
		if domain, err = prepareDomain(fs.Arg(0)); err != nil {
			return usageError{err}
		}
	}
	conf, err := flags.load()
	if err != nil {
		return usageError{err}
	}
	return p.onAccounts(conf, true, func(ctx context.Context, a accounts) error {
		return a.List(ctx, domain, func(who jid.JID) bool {
			_, err := fmt.Fprintln(p.stdout, who)
			return err == nil // a closed pipe ends the list
		})
	})
}
