package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/session/token"
	"github.com/xylem-im/xylem/storage"
)

// ErrNoToken says that the client has no token.
var ErrNoToken = errors.New("engine: no token of that client")

// TokenInfo describes a client that may log in by a token (FAST, XEP-0484).
type TokenInfo struct {
	Client           string    // the id of its user agent, a UUID
	Software, Device string    // what it says of itself; "": nothing
	Used             time.Time // when it last logged in by a token, exact to a day
	Expires          time.Time // when its last token ends
}

// Tokens lists the clients of an account that may log in by a token, in the order
// of their ids. ErrNoAccount when there is no such account.
func (a *Accounts) Tokens(ctx context.Context, who jid.JID) (list []TokenInfo, err error) {
	if !isAccount(who) {
		return nil, fmt.Errorf("%w: %q", ErrBadAccount, who)
	}
	if _, err := a.stored(ctx, who); err != nil {
		return nil, err
	}
	op := &storage.Op{Kind: storage.Scan, Owner: who.String(), Collection: collectionTokens}
	for more := true; more; {
		res := a.store.Do(ctx, op)
		if res.Err != nil {
			return nil, res.Err
		}
		for _, item := range res.Items {
			op.From = storage.After(item.Key)
			if r, err := token.Parse(item.Value); err == nil {
				list = append(list, TokenInfo{Client: string(item.Key), Software: r.Software, Device: r.Device,
					Used: time.Unix(r.Used, 0), Expires: time.Unix(r.Expires(), 0)})
			}
		}
		more = res.More
	}
	return list, nil
}

// RevokeTokens ends the tokens of one client of an account, or of all when client
// is empty, and all sessions that a running engine has of the account, with the
// stream error reset: those by tokens are not told apart. It returns how many
// clients had tokens. ErrNoAccount, and ErrNoToken for a client that has none.
func (a *Accounts) RevokeTokens(ctx context.Context, who jid.JID, client string) (n int, err error) {
	list, err := a.Tokens(ctx, who)
	if err != nil {
		return 0, err
	}
	op := &storage.Op{Kind: storage.Apply, Owner: who.String(), Durable: true}
	for _, t := range list {
		if client == "" || t.Client == client {
			op.Batch.Delete(collectionTokens, []byte(t.Client))
			n++
		}
	}
	if n == 0 && client != "" {
		return 0, fmt.Errorf("%w: %s of %s", ErrNoToken, client, who)
	}
	if n > 0 {
		if err := a.store.Do(ctx, op).Err; err != nil {
			return 0, err
		}
	}
	a.revoke(who, errTokensRevoked)
	return n, nil
}
