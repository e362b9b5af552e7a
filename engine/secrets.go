package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/session/token"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/async"
)

// openStore starts the pump and loads what the engine itself keeps.
func (e *Engine) openStore(ctx context.Context) error {
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return fmt.Errorf("engine: random numbers: %w", err)
	}
	if e.cfg.Store != nil {
		pump, err := async.New(async.Options{Driver: e.cfg.Store, Deliver: e.deliverStored})
		if err != nil {
			return fmt.Errorf("engine: store: %w", err)
		}
		e.pump = pump
		if secret, err = storedSecret(ctx, pump, "decoy", secret); err != nil {
			return fmt.Errorf("engine: store: %w", err)
		}
	}
	e.sessions.DecoySecret = secret
	if err := e.openFederation(ctx); err != nil {
		return err
	}
	e.sasl = sasl.Config{DecoySecret: secret, Iterations: e.cfg.ScramIterations}
	return e.openTokens(ctx)
}

// openTokens lets clients log in by tokens. The key may be kept in the store, but
// who has that can make tokens then.
func (e *Engine) openTokens(ctx context.Context) error {
	e.sessions.Upgrades = e.ownAccounts()
	if !e.ownAccounts() || e.cfg.TokenLifetime < 0 {
		return nil
	}
	key := e.cfg.TokenKey
	if key == nil {
		key = make([]byte, token.MinKey)
		if _, err := rand.Read(key); err != nil {
			return fmt.Errorf("engine: random numbers: %w", err)
		}
		var err error
		if key, err = storedSecret(ctx, e.pump, "token", key); err != nil {
			return fmt.Errorf("engine: store: %w", err)
		}
	}
	e.sessions.Tokens = &token.Policy{Key: key, Lifetime: int64(e.cfg.TokenLifetime / time.Second)}
	return nil
}

// storedSecret is the secret that the server keeps as key; fresh becomes it
// when there is none yet. That for decoys must survive restarts, or a restart
// would tell users that do not exist from those that do.
func storedSecret(ctx context.Context, store Store, key string, fresh []byte) ([]byte, error) {
	const owner, collection = "xylem", "secret"
	op := &storage.Op{Kind: storage.Get, Owner: owner, Collection: collection, Key: []byte(key)}
	res := store.Do(ctx, op)
	if res.Err == nil {
		return res.Items[0].Value, nil
	}
	if !errors.Is(res.Err, storage.ErrNotFound) {
		return nil, res.Err
	}
	put := &storage.Op{Kind: storage.Apply, Owner: owner, Durable: true}
	put.Batch.CheckAbsent(collection, []byte(key))
	put.Batch.Put(collection, []byte(key), fresh)
	return fresh, store.Do(ctx, put).Err
}
