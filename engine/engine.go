package engine

import (
	"context"
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
	"github.com/xylem-im/xylem/internal/invariants"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/s2s"
	"github.com/xylem-im/xylem/s2s/component"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/session/sasl"
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
	hookMarks     xep.Mark    // the marks that some message hook looks for
	copier        *xep.Copier // of messages; nil: none
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

	admission      admission
	failures       failures // logins, by address
	pace           pace
	attempts       attempts // at registration
	revocations    revocations
	detached       atomic.Int64 // sessions that wait for a resumption
	savedSessions  atomic.Int64 // of this engine, for the time after the restart
	restored       sync.Map     // SM-ID -> routing.Mailbox of sessions of an engine before this one
	returning      atomic.Int64 // ended sessions whose unacknowledged stanzas are not dealt with yet
	returningBytes atomic.Int64 // of these
	overdue        atomic.Int64 // detached sessions that wait to end, see loop.endOverdue
	leavingMost    int          // see there; less in tests
	keepAfter      int64        // the same; more in tests
	plain          bool         // takes no short ways, see takesShortWays; in tests
	workers        *workers
	coroutines     xtls.Coroutines // of TLS handshakes
	pump           *async.Pump
	journal        *journal               // nil: there is none
	recall         atomic.Pointer[recall] // nil: nothing is known from before
	pool           batchPool
	buffers        bytebufferpool.Pool
	chunks         chunkPool
	nextLoop       atomic.Uint32

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

		leavingMost: leavingMost,
		keepAfter:   keepAfter,
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if err := e.configure(); err != nil {
		return nil, err
	}
	if cfg.Certificates != nil && !xtls.Lean() {
		e.log.Warn("connections over TLS take 6.6 KB instead of 0.3: crypto/tls of this Go release is laid out otherwise; build with another one",
			"go", runtime.Version())
	}
	return e, nil
}

// takesShortWays tells whether what follows something may be dealt with as that was, in
// one go: messages for a session, receipts for a sender. It is a constant but for builds
// that check themselves, where tests compare this with the plain way.
func (e *Engine) takesShortWays() bool { return !invariants.Enabled || !e.plain }

// tellsAll tells whether the log takes what is for debugging: so that sessions that
// come and go need not be put into words for nobody.
func (e *Engine) tellsAll() bool { return e.log.Enabled(context.Background(), slog.LevelDebug) }

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
	if isForeign(e.cfg.Journal) {
		e.log.Warn("the journal is of another version of xylem and is begun anew: a server of that version was killed. Nothing that was acknowledged is lost by that, " +
			"but messages that clients had got just before may come to them once more")
	}
	var left *recall
	if e.journal, left, err = openJournal(e.cfg.Journal, e.loopCount()); err != nil || left == nil {
		return err
	}
	left.until = time.Now().UnixNano() + recallTime
	e.recall.Store(left)
	return nil
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
