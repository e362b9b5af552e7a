package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/badger"
)

// accounts is what the user commands need: through the admin socket of a
// running server, or on the store itself.
type accounts interface {
	Create(ctx context.Context, who jid.JID, password string) error
	SetPassword(ctx context.Context, who jid.JID, password string) error
	Delete(ctx context.Context, who jid.JID) error
	List(ctx context.Context, domain string, f func(jid.JID) bool) error
	Tokens(ctx context.Context, who jid.JID) ([]engine.TokenInfo, error)
	RevokeTokens(ctx context.Context, who jid.JID, client string) (int, error)
	Close() error
}

// storeFolder holds the database inside the data folder.
func storeFolder(data string) string { return filepath.Join(data, "store") }

// openStore opens the database of a data folder, and makes both if need be.
func openStore(data string, log *slog.Logger) (*badger.Driver, error) {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w; choose another with --data", err)
	}
	return badger.Open(badger.Options{Dir: storeFolder(data), Logger: log})
}

// storeAccounts works on the store of a server that does not run.
type storeAccounts struct {
	*engine.Accounts
	driver storage.Driver
}

// Close implements accounts.
func (a storeAccounts) Close() error { return a.driver.Close() }

// How long openAccounts waits for a server that is just starting (it holds
// the store and does not answer yet) or stopping.
const (
	openPatience = 5 * time.Second
	openPause    = 50 * time.Millisecond
)

// openAccounts reaches the accounts of a data folder. mustExist refuses to
// make a new store, for commands that make no sense on one.
func openAccounts(ctx context.Context, l *loaded, log *slog.Logger, mustExist bool) (accounts, error) {
	data := l.Server.Data
	give := time.Now().Add(openPatience)
	for {
		client, err := dialAdmin(data)
		if err == nil {
			return client, nil
		}
		if !errors.Is(err, errNotRunning) {
			return nil, err
		}
		if _, err := os.Stat(storeFolder(data)); mustExist && errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("data folder %s: there are no accounts yet; name the right folder with --data or --config", data)
		}
		driver, err := openStore(data, log)
		if err == nil {
			return storeAccounts{engine.NewAccounts(engine.DriverStore{Driver: driver}, l.Auth.ScramIterations), driver}, nil
		}
		if !errors.Is(err, storage.ErrLocked) || time.Now().After(give) {
			return nil, explainLock(data, err)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(openPause):
		}
	}
}

// explainLock says what to do about a store that another process holds.
func explainLock(data string, err error) error {
	if !errors.Is(err, storage.ErrLocked) {
		return err
	}
	return fmt.Errorf("data folder %s is in use by another process that does not answer on its admin socket (a server that is starting or stopping, or another command); try again, or stop it: %w", data, err)
}
