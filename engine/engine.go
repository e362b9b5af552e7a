package engine

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/bytebufferpool"

	xtls "github.com/xylem-im/xylem/engine/tls"
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/s2s"
	"github.com/xylem-im/xylem/s2s/component"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/session/token"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/async"
	"github.com/xylem-im/xylem/xep"
)

// ErrNotRunning is returned for what needs a running engine.
var ErrNotRunning = errors.New("engine: not running")

// Engine is one server. Create it with New, run it with Run. All methods are
// safe for concurrent use.
type Engine struct {
	cfg           Config
	limits        Limits
	log           *slog.Logger
	table         *routing.Table
	seed          maphash.Seed // of homeLoop
	registry      *xep.Registry
	hookMarks     xep.Mark // the marks that some message hook looks for
	hasExtensions bool
	sasl          sasl.Config // for PLAIN; sessions make their own

	loops      []*loop
	looping    sync.WaitGroup // the loops
	halted     atomic.Bool    // the loops are to end
	sockets    sockets
	listeners  []*listener
	inproc     *listener
	components components

	inprocComponent  *listener
	componentStreams component.Config // of their streams

	sessions  session.Config
	tlsByName sync.Map // domain -> *tls.Config of STARTTLS without SNI
	peerTLS   sync.Map // the same for streams of other servers
	directTLS *tls.Config
	tickets   *xtls.Tickets // of clients, on all listeners

	peers              s2s.Config // of streams with other servers
	remoteConfig       s2s.RemoteConfig
	remotes            sync.Map // domain -> *remoteDomain
	remoteCount        atomic.Int64
	peerAttempts       atomic.Uint64 // to reach other servers that have ended
	peerAttemptsFailed atomic.Uint64 // and of them those that failed
	dials              chan struct{} // one for each look-up or connection under way
	dialing            context.Context
	stopDialing        context.CancelFunc

	admission     admission
	failures      failures // logins, by address
	pace          pace
	attempts      attempts // at registration
	revocations   revocations
	detached      atomic.Int64 // sessions that wait for a resumption
	savedSessions atomic.Int64 // of this engine, for the time after the restart
	restored      sync.Map     // SM-ID -> routing.Mailbox of sessions of an engine before this one
	returning     atomic.Int64 // ended sessions whose unacknowledged stanzas are not dealt with yet
	workers       *workers
	coroutines    xtls.Coroutines // of TLS handshakes
	pump          *async.Pump
	journal       *journal               // nil: there is none
	recall        atomic.Pointer[recall] // nil: nothing is known from before
	pool          batchPool
	buffers       bytebufferpool.Pool
	chunks        chunkPool
	nextLoop      atomic.Uint32

	ready    chan struct{}
	stop     chan struct{} // closed by the first Shutdown
	stopped  chan struct{} // closed when Run has ended
	stopOnce sync.Once
	draining atomic.Bool
	parted   atomic.Bool // what other servers owe is not waited for any more, see maySave
	running  atomic.Bool
}

// New checks cfg and makes an Engine that does not yet listen. Every fault of
// cfg is named in the one error returned.
func New(cfg Config) (*Engine, error) {
	e := &Engine{
		cfg:     cfg,
		log:     cfg.Logger,
		table:   routing.NewTable(),
		seed:    maphash.MakeSeed(),
		tickets: xtls.NewTickets(time.Now()),
		ready:   make(chan struct{}),
		stop:    make(chan struct{}),
		stopped: make(chan struct{}),
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if err := e.configure(); err != nil {
		return nil, err
	}
	return e, nil
}

// tellsAll tells whether the log takes what is for debugging: so that sessions that
// come and go need not be put into words for nobody.
func (e *Engine) tellsAll() bool { return e.log.Enabled(context.Background(), slog.LevelDebug) }

func (e *Engine) loopCount() int {
	if e.cfg.Loops > 0 {
		return e.cfg.Loops
	}
	return runtime.GOMAXPROCS(0)
}

// Serve makes an Engine and runs it until ctx is done: New and Run in one, for
// programs that need nothing of it but its hooks.
func Serve(ctx context.Context, cfg Config) error {
	e, err := New(cfg)
	if err != nil {
		return err
	}
	return e.Run(ctx)
}

// Run opens the listeners and serves until ctx is done or Shutdown is called;
// either way it drains first (see Shutdown). It returns nil after a clean
// stop, and the first error that kept it from serving otherwise. An Engine
// runs once.
func (e *Engine) Run(ctx context.Context) error {
	if !e.running.CompareAndSwap(false, true) {
		return errors.New("engine: Run was called before")
	}
	defer close(e.stopped)
	if err := e.open(ctx); err != nil {
		e.close()
		return err
	}
	close(e.ready)
	if e.cfg.Hooks.Ready != nil {
		e.cfg.Hooks.Ready(e.Addrs())
	}
	select {
	case <-ctx.Done():
	case <-e.stop:
	}
	e.drain()
	return e.close()
}

// open starts everything that serves.
func (e *Engine) open(ctx context.Context) error {
	e.workers = newWorkers(e.limits.HandshakeQueue)
	if err := e.openStore(ctx); err != nil {
		return err
	}
	if err := e.openJournal(); err != nil {
		return err
	}
	if err := e.openLoops(); err != nil {
		return err
	}
	if err := e.restoreSessions(ctx); err != nil {
		return fmt.Errorf("engine: stored sessions: %w", err)
	}
	for _, ln := range e.listeners {
		if err := ln.listen(); err != nil {
			return err
		}
	}
	if e.admission.limit == 0 { // counted now, with store and listeners open
		e.admission.limit = int64(defaultConnections())
	}
	for _, ln := range e.listeners {
		if err := ln.serve(); err != nil {
			return err
		}
	}
	return nil
}

// openJournal reads what the journal tells of the time before.
func (e *Engine) openJournal() (err error) {
	if len(e.cfg.Journal) == 0 || !e.cfg.DurableAck {
		return nil
	}
	var left *recall
	if e.journal, left, err = openJournal(e.cfg.Journal, e.loopCount()); err != nil || left == nil {
		return err
	}
	left.until = time.Now().UnixNano() + recallTime
	e.recall.Store(left)
	return nil
}

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

// openLoops starts the event loops.
func (e *Engine) openLoops() error {
	for i := range e.loopCount() {
		l := newLoop(e, uint32(i))
		if err := l.openPoller(); err != nil {
			for _, opened := range e.loops {
				opened.poller.close()
			}
			return err
		}
		e.loops = append(e.loops, l)
	}
	for _, l := range e.loops {
		e.looping.Go(l.run)
	}
	go e.tick()
	return nil
}

// closeLoops ends them, and the connections that are left.
func (e *Engine) closeLoops() {
	e.halted.Store(true)
	for _, l := range e.loops {
		l.waker.wake()
	}
	e.looping.Wait()
}

// leastLoaded is the loop with the fewest sockets: favored if no other has fewer.
func (e *Engine) leastLoaded(favored *loop) *loop {
	least := favored
	for _, l := range e.loops {
		if l.load.Load() < least.load.Load() {
			least = l
		}
	}
	return least
}

// Ready is closed when all listeners are open.
func (e *Engine) Ready() <-chan struct{} { return e.ready }

// serving tells whether the loops and the pump are there to be looked at.
func (e *Engine) serving() bool {
	select {
	case <-e.ready:
		return true
	default:
		return false
	}
}

// Addrs tells where the listeners really listen. valid after Ready.
func (e *Engine) Addrs() []Addr {
	addrs := make([]Addr, 0, len(e.listeners))
	for _, ln := range e.listeners {
		if ln.at != nil {
			addrs = append(addrs, ln.addr())
		}
	}
	return addrs
}

// AddDomain serves one more domain from now on; adding one that is there already
// does nothing. Errors: a *jid.Error if it is no domainpart, ErrDomainTaken if it
// is a component's.
func (e *Engine) AddDomain(domain string) error {
	j, err := jid.New("", domain, "")
	if err != nil {
		return err
	}
	e.components.mu.Lock()
	defer e.components.mu.Unlock()
	if e.components.find(j.Domain()) != nil {
		return fmt.Errorf("%w: %s", ErrDomainTaken, j.Domain())
	}
	e.table.AddDomain(j.Domain())
	return nil
}

// RemoveDomain stops serving a domain; its sessions get the stream error
// host-gone. It reports whether it was served.
func (e *Engine) RemoveDomain(domain string) bool {
	j, err := jid.New("", domain, "")
	if err != nil {
		return false
	}
	d, ok := e.table.RemoveDomain(j.Domain())
	if !ok {
		return false
	}
	e.tlsByName.Delete(j.Domain())
	e.peerTLS.Delete(j.Domain())
	for _, entries := range d.All() {
		e.end(entries, stanza.StreamError{Condition: stanza.StreamHostGone})
	}
	return true
}

// Domains lists the domains served, sorted.
func (e *Engine) Domains() []string { return e.table.Domains() }

// Accounts manages the accounts in Config.Store while the engine runs; nil
// without a Store or before Ready.
func (e *Engine) Accounts() *Accounts {
	select {
	case <-e.ready:
	default:
		return nil
	}
	if e.pump == nil {
		return nil
	}
	a := NewAccounts(e.pump, e.cfg.ScramIterations)
	a.leaving = e.leaving
	a.revoked = func(who jid.JID, why stanza.StreamError) { e.revoke(who, 0, why) }
	return a
}

// leaving lets the extensions act on an account that is about to be deleted,
// and waits until they have read what they need of it.
func (e *Engine) leaving(ctx context.Context, who jid.JID) error {
	before := 0 // the request to delete the account may be under way itself
	_, err := e.visitHome(ctx, who, func(a *xep.Home) {
		before = int(a.Busy)
		e.registry.AccountDeleted(a)
	})
	if err != nil {
		return err
	}
	for {
		busy, err := e.visitHome(ctx, who, func(*xep.Home) {})
		if err != nil || busy <= before {
			return err
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// visitHome runs f at an account's home, waits for it, and tells how many
// operations the account has under way.
func (e *Engine) visitHome(ctx context.Context, who jid.JID, f func(*xep.Home)) (busy int, err error) {
	done := make(chan int, 1)
	e.sendLoop(e.homeLoop(who.String()), &visit{who, func(a *xep.Home) {
		f(a)
		done <- int(a.Busy)
	}})
	select {
	case busy = <-done:
		return busy, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-e.stopped:
		return 0, ErrNotRunning
	}
}

// Kick closes the sessions of an account (bare JID) or one of its resources
// (full JID) with a stream error and returns how many there were.
func (e *Engine) Kick(address string, reason stanza.StreamError) int {
	who, err := jid.Parse(address)
	if err != nil {
		return 0
	}
	d := e.table.Domain(who.Domain())
	if d == nil {
		return 0
	}
	if who.IsFull() {
		entry, ok := d.LookupFull(who.Local(), who.Resource())
		if !ok {
			return 0
		}
		return e.end([]routing.Entry{entry}, reason)
	}
	return e.end(d.Lookup(who.Local(), nil), reason)
}

// end closes sessions with a stream error.
func (e *Engine) end(entries []routing.Entry, reason stanza.StreamError) int {
	for i := range entries {
		e.send(entries[i].Mailbox, &ending{err: reason})
	}
	return len(entries)
}

// send hands a control to the loop of a connection, from any goroutine.
func (e *Engine) send(to routing.Mailbox, ctl control) {
	e.post(mailboxLoop(to), entry{to: to, kind: entryControl, ctl: ctl})
}

// sendLoop hands a control to a loop itself; false when the engine does not run.
func (e *Engine) sendLoop(index uint32, ctl control) bool {
	return e.post(index, entry{kind: entryControl, ctl: ctl})
}

func (e *Engine) post(index uint32, item entry) bool {
	if int(index) >= len(e.loops) {
		return false
	}
	b := e.pool.get()
	b.entries = append(b.entries, item)
	e.loops[index].receive(b)
	return true
}
