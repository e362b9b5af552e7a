package engine_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/await"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/memory"
	"github.com/xylem-im/xylem/xep/standard"
)

// heldStore does nothing while it is held.
type heldStore struct {
	storage.Driver
	held sync.RWMutex
}

func (d *heldStore) Read(op *storage.Op) storage.Result {
	d.held.RLock()
	defer d.held.RUnlock()
	return d.Driver.Read(op)
}

func (d *heldStore) Apply(ops []*storage.Op, errs []error) {
	d.held.RLock()
	defer d.held.RUnlock()
	d.Driver.Apply(ops, errs)
}

// The windows of many detached sessions end while the store does nothing: no more of them end than
// there is room for, the others can still be resumed, and once the store works everything
// is stored and nothing comes back.
func TestSessionsEndAsTheStoreTakesThem(t *testing.T) {
	const users, most = 12, 3
	name := func(i int) string { return fmt.Sprint("user", i) }
	var names []string
	for i := range users {
		names = append(names, name(i))
	}
	store := &heldStore{Driver: memory.New(memory.Options{})}
	var s *server
	var mu sync.Mutex
	ended := map[string]bool{}
	worst := int64(0)
	s = serve(t, func(cfg *engine.Config) {
		cfg.Loops, cfg.Auth, cfg.Store, cfg.Extensions = 1, newAccounts(append(names, "sender")...), store, standard.Register
		cfg.Limits.ResumeWindow = time.Second
		cfg.Hooks.SessionClosed = func(info engine.SessionInfo, reason error) {
			mu.Lock()
			defer mu.Unlock()
			if ended[info.JID.Local()] = true; reason == engine.ErrNotResumed {
				worst = max(worst, s.Leaving())
			}
		}
	})
	s.SetLeavingMost(most)
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(ended)
	}
	sender := s.login(t, "pipe", "sender", "s")
	ids := map[string]string{}
	var clients []*client
	for _, user := range names {
		c := s.login(t, "pipe", user, "r")
		c.send("<presence/>")
		c.sync()
		ids[user] = c.enable()
		sender.sendBodies(c.jid, 0, 1)
		c.expectBodies(0, 1)
		clients = append(clients, c)
	}
	store.held.Lock()
	for _, c := range clients {
		c.conn.Close()
	}
	await.Equal(t, "sessions that wait to end", s.Overdue, users-most)
	if n := count(); n != most {
		t.Errorf("%d sessions have ended, want %d", n, most)
	}
	resumed := ""
	for _, user := range names {
		mu.Lock()
		gone := ended[user]
		mu.Unlock()
		if !gone {
			resumed = user
			break
		}
	}
	back := s.resume(t, "pipe", resumed, ids[resumed], 0)
	back.expect("resumed")
	back.expectBodies(0, 1)
	store.held.Unlock()
	await.Equal(t, "sessions that have ended", count, users-1)
	await.Equal(t, "sessions that wait to end", s.Overdue, 0)
	if worst > most {
		t.Errorf("the homes had %d ended sessions to deal with, want %d at most", worst, most)
	}
	for _, user := range names {
		if user == resumed {
			continue
		}
		c := s.login(t, "pipe", user, "later")
		c.send("<presence/>")
		for n := c.next(); n.XMLName.Local != "message"; n = c.next() {
		}
	}
	if before := sender.sync(); len(before) > 0 {
		t.Errorf("the sender got %s", before[0])
	}
}
