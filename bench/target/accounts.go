package target

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/xylem-im/xylem/bench/client"
)

// registered is the file that remembers what accounts a data folder has.
const registered = "accounts"

// have is how many accounts were made by an earlier start. They must be of the
// same pattern.
func (s Settings) have() (int, error) {
	b, err := os.ReadFile(s.path(registered))
	if err != nil {
		return 0, nil // none yet
	}
	count, pattern, _ := strings.Cut(strings.TrimSpace(string(b)), " ")
	n, err := strconv.Atoi(count)
	if err != nil || pattern != s.pattern() {
		return 0, fmt.Errorf("%s has accounts with other names or passwords: name another folder (--dir), or remove it", s.Dir)
	}
	return n, nil
}

func (s Settings) remember() error {
	return s.write(registered, fmt.Sprintf("%d %s\n", s.Count, s.pattern()))
}

// pattern tells patterns of accounts apart, without a password.
func (s Settings) pattern() string {
	return fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%q %q", s.Users.User, s.Users.Password)))
}

// Register makes accounts first ≤ i < count by in-band registration
// (XEP-0077). Accounts that exist are left as they are.
func Register(ctx context.Context, opts *client.Options, users client.Accounts, first, count int) error {
	const parallel = 8
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	next.Store(int64(first))
	var group sync.WaitGroup
	for range parallel {
		group.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1) - 1)
				if i >= count {
					return
				}
				if err := client.Register(ctx, opts, users.At(i)); err != nil && !errors.Is(err, client.ErrExists) {
					cancel(fmt.Errorf("register: %w", err))
				}
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}

// register makes the accounts that a server of a preset does not have yet.
func (s Settings) register(ctx context.Context, server *Server) error {
	have, err := s.have()
	if err != nil {
		return errors.Join(err, server.Stop())
	}
	if have >= s.Count {
		return nil
	}
	s.Log("%d accounts", s.Count-have)
	opts := &client.Options{Address: server.Address, Domain: s.domain, Source: client.Spread(1)}
	if s.TLS {
		opts.TLS = client.TLSConfig(s.domain, false, "", nil) // its certificate was made here
	}
	if err := Register(ctx, opts, s.Users, have, s.Count); err != nil {
		return errors.Join(err, server.Stop())
	}
	return s.remember()
}
