package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/xep"
)

// Where an account's credentials are kept, owned by the bare JID.
const (
	collectionAccount = xep.CollectionAccount
	keyCredentials    = xep.KeyCredentials
)

// collectionTokens is where the records of an account's clients are kept, by the
// ids of their user agents (package session/token).
const collectionTokens = "token"

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
	leaving    func(context.Context, jid.JID) error // before an account is deleted
	revoked    func(jid.JID, stanza.StreamError)    // after what it was logged in by has changed
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

// SetPassword changes the password of an account. Its tokens end, and those of a
// running engine its sessions, with the stream error reset: who knew only the old
// password must not stay. ErrNoAccount when there is none.
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
	if err := a.store.Do(ctx, putCredentials(who, before, creds.Append(nil))).Err; err != nil {
		return err
	}
	if exists {
		a.revoke(who, errPasswordChanged)
	}
	return nil
}

// What the sessions are told that end with a password, or with their account.
var (
	// RFC 6120 §4.9.3.16: reset asks to authenticate anew.
	errPasswordChanged = stanza.StreamError{Condition: stanza.StreamReset, Text: "the password was changed"}
	errTokensRevoked   = stanza.StreamError{Condition: stanza.StreamReset, Text: "log in by the password"}
	// XEP-0077 §3.2.
	errAccountDeleted = stanza.StreamError{Condition: stanza.StreamNotAuthorized, Text: "the account was deleted"}
)

func (a *Accounts) revoke(who jid.JID, why stanza.StreamError) {
	if a.revoked != nil {
		a.revoked(who, why)
	}
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

// Delete removes an account and all that it owns, and ends the sessions that a
// running engine has of it with not-authorized. ErrNoAccount when there is none.
func (a *Accounts) Delete(ctx context.Context, who jid.JID) error {
	if err := a.remove(ctx, who); err != nil {
		return err
	}
	a.revoke(who, errAccountDeleted)
	return nil
}

func (a *Accounts) remove(ctx context.Context, who jid.JID) error {
	if !isAccount(who) {
		return fmt.Errorf("%w: %q", ErrBadAccount, who)
	}
	if _, err := a.stored(ctx, who); err != nil {
		return err
	}
	if a.leaving != nil {
		if err := a.leaving(ctx, who); err != nil {
			return err
		}
	}
	// The account goes last: what is left after a failure can be deleted again.
	var after []byte
	for more := true; more; {
		res := a.store.Do(ctx, &storage.Op{Kind: storage.Collections, Owner: who.String(), Key: after})
		if res.Err != nil {
			return res.Err
		}
		for _, item := range res.Items {
			after = item.Key
			if string(item.Key) == collectionAccount {
				continue
			}
			if err := a.deleteAll(ctx, who, string(item.Key)); err != nil {
				return err
			}
		}
		more = res.More
	}
	return a.deleteAll(ctx, who, collectionAccount)
}

// deleteAll empties one collection, in pieces that one batch can hold.
func (a *Accounts) deleteAll(ctx context.Context, who jid.JID, collection string) error {
	for {
		res := a.store.Do(ctx, &storage.Op{Kind: storage.Scan, Owner: who.String(), Collection: collection})
		if res.Err != nil || len(res.Items) == 0 {
			return res.Err
		}
		op := &storage.Op{Kind: storage.Apply, Owner: who.String(), Durable: true}
		op.Batch.DeleteRange(collection, nil, storage.After(res.Items[len(res.Items)-1].Key))
		if err := a.store.Do(ctx, op).Err; err != nil {
			return err
		}
	}
}

// List calls f with the accounts of domain, or of all domains when it is
// empty, in the order of their addresses, until f returns false.
func (a *Accounts) List(ctx context.Context, domain string, f func(jid.JID) bool) error {
	op := &storage.Op{Kind: storage.Owners, Collection: collectionAccount}
	for {
		res := a.store.Do(ctx, op)
		if res.Err != nil {
			return res.Err
		}
		for _, item := range res.Items {
			who, err := jid.ParseBytes(item.Key)
			if err != nil || (domain != "" && who.Domain() != domain) {
				continue
			}
			if !f(who) {
				return nil
			}
		}
		if !res.More {
			return nil
		}
		op.Key = res.Items[len(res.Items)-1].Key
	}
}

// putCredentials writes credentials on the condition that what is stored is
// still before (nil: nothing). Tokens that rest on the old ones end, and so do
// those that an earlier account of the name left behind.
func putCredentials(who jid.JID, before, creds []byte) *storage.Op {
	op := &storage.Op{Kind: storage.Apply, Owner: who.String(), Durable: true}
	key := []byte(keyCredentials)
	if before == nil {
		op.Batch.CheckAbsent(collectionAccount, key)
	} else {
		op.Batch.CheckValue(collectionAccount, key, before)
	}
	op.Batch.Put(collectionAccount, key, creds)
	op.Batch.DeleteRange(collectionTokens, nil, nil)
	return op
}

// DriverStore is a Store on a driver that no engine uses: for command-line
// tools while the server does not run.
type DriverStore struct{ Driver storage.Driver }

// Do carries out op and waits. ctx is looked at before it starts.
func (d DriverStore) Do(ctx context.Context, op *storage.Op) storage.Result {
	if err := ctx.Err(); err != nil {
		return storage.Result{Err: err}
	}
	if op.Kind != storage.Apply {
		return d.Driver.Read(op)
	}
	errs := make([]error, 1)
	d.Driver.Apply([]*storage.Op{op}, errs)
	return storage.Result{Err: errs[0]}
}
