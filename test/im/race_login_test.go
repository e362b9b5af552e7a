package im_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/badger"
)

// What is sent while the recipient logs in is neither lost nor reordered,
// wherever it meets the new session.
func TestSentDuringLogin(t *testing.T) {
	store, err := badger.Open(badger.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, func(storage.Driver) storage.Driver { return store }, engine.Config{DurableAck: true, Auth: everybody{}})
	const rounds, each = 100, 20
	for round := range rounds {
		user := fmt.Sprintf("u%d@localhost", round)
		op := &storage.Op{Kind: storage.Apply, Owner: user}
		op.Batch.Put("account", []byte("credentials"), []byte("x"))
		errs := make([]error, 1)
		store.Apply([]*storage.Op{op}, errs)
		alice := s.login(fmt.Sprintf("alice@localhost/a%d", round), "<enable xmlns='urn:xmpp:sm:3'/>")
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			alice.chat(user, 0, each)
		}()
		bob := s.login(user+"/b", "<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
		bob.until(func(e *element) bool { return e.is("enabled") })
		bob.send("<presence/>")
		h := 0
		for next := 0; next < each; {
			e := bob.next()
			switch {
			case e.is("r"):
				bob.send("<a xmlns='urn:xmpp:sm:3' h='%d'/>", h)
				continue
			case e.is("message"):
				if e.attr("id") != strconv.Itoa(next) {
					t.Fatalf("round %d: got %s, want message %d", round, e, next)
				}
				next++
			}
			h++
		}
		<-sent
		_ = bob.conn.Close()
		_ = alice.conn.Close()
	}
}

// everybody lets in whoever says "secret".
type everybody struct{ anybody }

func (everybody) Exists(_, _ string, done func(bool, error)) { done(true, nil) }
