package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/pflag"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/jid"
)

// userTokens lists what clients may log in by a token (FAST, XEP-0484).
func (p *program) userTokens(fs *pflag.FlagSet, args []string) error {
	return p.onAccount(fs, args, 1, func(ctx context.Context, a accounts, who jid.JID) error {
		list, err := a.Tokens(ctx, who)
		if err != nil {
			return plainAccountError(who.String(), err)
		}
		if len(list) == 0 {
			return nil
		}
		w := tabwriter.NewWriter(p.stdout, 0, 8, 2, ' ', 0)
		fmt.Fprintln(w, "CLIENT\tUSED\tEXPIRES\tSOFTWARE\tDEVICE")
		for _, t := range list {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", t.Client, t.Used.Format(time.DateOnly), t.Expires.Format(time.DateOnly),
				cmp.Or(t.Software, "-"), cmp.Or(t.Device, "-"))
		}
		return w.Flush()
	})
}

// userRevoke ends tokens, and the sessions of the account.
func (p *program) userRevoke(fs *pflag.FlagSet, args []string) error {
	return p.onAccount(fs, args, 2, func(ctx context.Context, a accounts, who jid.JID) error {
		n, err := a.RevokeTokens(ctx, who, fs.Arg(1))
		if errors.Is(err, engine.ErrNoToken) {
			return fmt.Errorf("client %s of %s has no token; xylem user tokens shows those that have one", fs.Arg(1), who)
		}
		if err != nil {
			return plainAccountError(who.String(), err)
		}
		fmt.Fprintf(p.stdout, "revoked the tokens of %d clients of %s\n", n, who)
		return nil
	})
}
