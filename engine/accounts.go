package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/storage"
)

// Where an account's credentials are kept: collection and key, owned by the
// bare JID.
const (
	collectionAccount = "account"
	keyCredentials    = "credentials"
)

// Errors of Accounts.
var (
	// ErrAccountExists: Create met an account of that name.
	ErrAccountExists = errors.New("engine: account exists")
	// ErrNoAccount: there is no account of that name.
	ErrNoAccount = errors.New("engine: no such account")
	// ErrBadAccount: the address is not localpart@domainpart.
	ErrBadAccount = errors.New("engine: not an account's address (want localpart@domainpart)")
)

// Store is what Accounts needs: one operation at a time, done when it
// returns. A storage.Driver is one by DriverStore; a running engine's pump
// answers through Engine.Accounts.
type Store interface {
	// Do carries out one operation and waits for its result.
	Do(ctx context.Context, op *storage.Op) storage.Result
}

// Accounts creates, changes and lists accounts. Its methods block (they hash
// and write); never call them on an event loop. Safe for concurrent use.
type Accounts struct {
	store      Store
	iterations int
}

// NewAccounts works on store; iterations is Config.ScramIterations (0: the
// default).
func NewAccounts(store Store, iterations int) *Accounts {
	if iterations == 0 {
		iterations = defaultScramIterations
	}
	return &Accounts{store: store, iterations: iterations}
}

// Create makes an account. ErrAccountExists when it was there before.
func (a *Accounts) Create(ctx context.Context, who jid.JID, password string) error {
	return a.put(ctx, who, password, false)
}

// SetPassword changes the password of an account. ErrNoAccount when there is none.
func (a *Accounts) SetPassword(ctx context.Context, who jid.JID, password string) error {
	return a.put(ctx, who, password, true)
}

// put derives credentials and writes them on the condition that the account
// exists, or that it does not.
func (a *Accounts) put(ctx context.Context, who jid.JID, password string, exists bool) error {
	if !isAccount(who) {
		return fmt.Errorf("%w: %q", ErrBadAccount, who)
	}
	before, err := a.stored(ctx, who)
	switch {
	case err == nil && !exists:
		return fmt.Errorf("%w: %s", ErrAccountExists, who)
	case errors.Is(err, ErrNoAccount) && exists:
		return err
	case err != nil && !errors.Is(err, ErrNoAccount):
		return err
	}
	creds, err := sasl.Derive(password, a.iterations, rand.Reader)
	if err != nil {
		return fmt.Errorf("engine: password of %s: %w", who, err)
	}
	return a.store.Do(ctx, putCredentials(who, before, creds.Append(nil))).Err
}

// stored is the account's credentials as they lie in the store.
func (a *Accounts) stored(ctx context.Context, who jid.JID) ([]byte, error) {
	res := a.store.Do(ctx, getCredentials(who.String()))
	switch {
	case errors.Is(res.Err, storage.ErrNotFound):
		return nil, fmt.Errorf("%w: %s", ErrNoAccount, who)
	case res.Err != nil:
		return nil, res.Err
	}
	return res.Items[0].Value, nil
}

func isAccount(who jid.JID) bool { return who.Local() != "" && who.Resource() == "" }
