package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/badger"
)

// server is one run of `xylem serve`.
type server struct {
	p       *program
	flags   *configFlags
	conf    atomic.Pointer[loaded] // written under changes
	changes sync.Mutex             // one reload, domain change or renewal at a time
	level   slog.LevelVar
	log     *slog.Logger
	certs   *certificates
	engine  *engine.Engine
	peers   *federation // nil: no federation
	started time.Time
	serving atomic.Bool // between ready and the start of the drain

	openFiles uint64
	httpAddr  string // real address of http.listen; set before serving
	admin     *webServer
	public    *webServer
	store     *badger.Driver
	journal   *journal // nil: there is none
	slices    timeSlices
	ahead     loopsAhead
	wasReady  bool
	run       chan error // what engine.Run returned
}

// upkeepPause is the time between two rounds of upkeep.
const upkeepPause = 24 * time.Hour

// serve is the command: everything is opened in the order in which it can
// fail with the plainest message, and closed in the reverse order.
func (p *program) serve(fs *pflag.FlagSet, args []string) (result error) {
	flags := &configFlags{}
	flags.registerServe(fs)
	profile := fs.String("cpu-profile", "", "`file` for a profile of the CPU time until the end, for go tool pprof")
	if done, err := p.parse(fs, args, 0, 0); done || err != nil {
		return err
	}
	conf, err := flags.load()
	if err != nil {
		return usageError{err}
	}
	if conf.Server.Data, err = filepath.Abs(conf.Server.Data); err != nil {
		return err
	}
	signals, stop := p.notifySignals()
	defer stop()
	stopProfile, err := startProfile(*profile)
	if err != nil {
		return err
	}
	defer func() { result = errors.Join(result, stopProfile()) }()

	s := &server{p: p, flags: flags, started: time.Now(), run: make(chan error, 1)}
	s.conf.Store(conf)
	s.level.Set(conf.Log.Level)
	s.log = newLogger(p.stderr, conf.Log.Format, &s.level)
	defer s.slices.shorten()()
	if err := s.open(conf); err != nil {
		return err
	}
	defer s.close(conf)
	return s.serveUntil(signals)
}

// notifySignals is the process's signals, or those of a test.
func (p *program) notifySignals() (<-chan os.Signal, func()) {
	if p.signals != nil {
		return p.signals, func() {}
	}
	c := make(chan os.Signal, 4)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}

// open makes everything up to a running engine, or nothing.
func (s *server) open(conf *loaded) error {
	s.say("%s", versionLine())
	s.say("configuration: %s", cmp.Or(conf.file, "none, the defaults"))
	s.limitOpenFiles()
	for _, w := range conf.warnings() {
		s.log.Warn(w)
	}
	if err := s.openData(conf.Server.Data); err != nil {
		return err
	}
	err := s.openEngine(conf)
	if err == nil {
		err = s.openWeb(conf)
	}
	if err != nil {
		s.close(conf)
		return err
	}
	go func() { s.run <- s.engine.Run(context.Background()) }()
	return nil
}

// openData opens the store, whose lock makes the data folder ours.
func (s *server) openData(data string) error {
	_, statErr := os.Stat(data)
	store, err := openStore(data, s.log)
	if errors.Is(err, storage.ErrLocked) {
		return fmt.Errorf("%w; stop that one, or choose another folder with --data", err)
	}
	if err != nil {
		return err
	}
	s.store = store
	s.say("data folder: %s%s", data, map[bool]string{true: " (made now)"}[statErr != nil])
	s.checkDataMode(data)
	s.checkReadAhead(data, "/sys")
	return nil
}

// say prints a line for people on stdout, where the last one is the ready line.
func (s *server) say(format string, args ...any) { fmt.Fprintf(s.p.stdout, format+"\n", args...) }

func (s *server) limitOpenFiles() {
	now, before, err := raiseOpenFiles()
	if err != nil {
		s.log.Warn("open files: limit not raised", "error", err)
	}
	s.openFiles = now
	s.log.Info("open files", "limit", now, "before", before)
	s.say("open files: %d, which bounds the connections", now)
}

func (s *server) checkDataMode(data string) {
	if info, err := os.Stat(data); err == nil && info.Mode().Perm()&0o077 != 0 {
		s.log.Warn("data folder is open to other users; chmod 700 it", "folder", data, "mode", info.Mode().Perm().String())
	}
}

// openEngine makes the certificates and the engine.
func (s *server) openEngine(conf *loaded) error {
	s.certs = newCertificates(filepath.Join(conf.Server.Data, "tls"), conf.TLS.Held, s.log)
	if err := s.renewCertificates(conf, conf.certifiedDomains(), time.Now()); err != nil {
		return usageError{err}
	}
	peers, err := newFederation(&conf.config)
	if err != nil {
		return usageError{err}
	}
	s.peers = peers
	key, err := tokenKey(conf.Server.Data)
	if err != nil {
		return err
	}
	s.ahead.slices, s.ahead.process = &s.slices, ownThreads{began: s.started}
	e, err := engine.New(engine.Config{
		Hooks:           engine.Hooks{Round: s.ahead.round},
		Domains:         conf.Server.Domains,
		Listeners:       engineListeners(&conf.config),
		Certificates:    s.certs,
		Store:           &unhurried{Driver: s.store, slices: &s.slices},
		Extensions:      s.extensions(&conf.config).Register,
		Registration:    conf.Registration,
		Federation:      peers.engine(conf.Federation),
		Components:      engineComponents(&conf.config),
		Limits:          conf.engineLimits(),
		DurableAck:      conf.StreamManagement.DurableAck,
		Journal:         s.openJournal(conf),
		ScramIterations: conf.Auth.ScramIterations,
		TokenLifetime:   cmp.Or(conf.Auth.TokenLifetime, -1),
		TokenKey:        key,
		Loops:           conf.Server.Loops,
		Compression:     conf.C2S.Compression,
		AllowPlaintext:  conf.C2S.AllowPlaintext,
		Logger:          s.log,
	})
	if err != nil {
		return usageError{err}
	}
	s.engine = e
	return nil
}

// openWeb opens the admin socket and the port for health and metrics. Both
// are answered from announce on: before, the engine has no accounts to manage.
func (s *server) openWeb(conf *loaded) error {
	l, err := listenAdmin(conf.Server.Data)
	if err != nil {
		return fmt.Errorf("admin socket: %w", err)
	}
	s.admin = newWeb(l, adminHandler(s), s.log)
	if conf.HTTP.Listen == "" {
		return nil
	}
	l, err = listen(conf.HTTP.Listen)
	if err != nil {
		return err
	}
	s.httpAddr = l.Addr().String()
	s.public = newPublic(l, publicHandler(s), s.log)
	return nil
}

// close ends what open opened, apart from the engine, which drain ends.
func (s *server) close(conf *loaded) {
	s.dropUnusedJournal()
	s.public.stop()
	s.admin.stop()
	if err := removeSocket(conf.Server.Data); err != nil {
		s.log.Warn("admin socket not removed", "error", err)
	}
	// The engine has closed it when it ran; then this does nothing.
	if err := s.store.Close(); err != nil {
		s.log.Error("store not closed well", "error", err)
	}
}

// serveUntil waits for the engine, tells that it is ready and obeys signals
// until one of them, or the engine, ends it.
func (s *server) serveUntil(signals <-chan os.Signal) error {
	ready := s.engine.Ready()
	ticker := time.NewTicker(upkeepPause)
	defer ticker.Stop()
	memory := time.NewTicker(memoryPause)
	defer memory.Stop()
	look := time.NewTicker(floodPause)
	defer look.Stop()
	var trim trimmer
	var pace collectorPace
	defer pace.end()
	var flood floodWatch
	defer s.ahead.end()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for {
		select {
		case <-ready:
			ready, s.wasReady = nil, true
			defer spareThreads()() // only now: loops and workers are as many as there are cores
			if s.conf.Load().Server.HugePages {
				go s.keepHugePages(ctx)
			}
			s.announce()
		case err := <-s.run:
			if err == nil {
				err = errors.New("the engine stopped without being asked to")
			}
			return explainListen(err)
		case now := <-ticker.C:
			s.upkeep(now)
		case <-memory.C:
			trim.look()
		case <-look.C:
			flooded := flood.look(s.engine.Stats().KeptTotal)
			pace.look(flooded)
			s.ahead.look(flooded)
		case sig := <-signals:
			if sig == syscall.SIGHUP {
				s.reload(time.Now())
				continue
			}
			return s.drain(sig, signals)
		}
	}
}

// drain ends all streams in good order. A second signal ends it at once.
func (s *server) drain(first os.Signal, signals <-chan os.Signal) error {
	s.serving.Store(false)
	s.log.Info("draining", "signal", first.String())
	s.tellSystemd("STOPPING=1")
	ctx, cancel := context.WithTimeout(context.Background(), 3*s.conf.Load().Limits.DrainTime+10*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.engine.Shutdown(ctx) }()
	for {
		select {
		case err := <-done:
			if err = errors.Join(err, <-s.run); err != nil {
				return fmt.Errorf("stopping: %w", err)
			}
			s.closeJournal()
			s.log.Info("stopped")
			return nil
		case sig := <-signals:
			if sig != syscall.SIGHUP {
				return fmt.Errorf("%s while draining: stopped at once", sig)
			}
		}
	}
}

// upkeep looks after the certificates and compacts the store, which takes
// seconds beside the traffic and gives back the space of what was deleted.
func (s *server) upkeep(now time.Time) {
	s.renewCertificatesDaily(now)
	go func() {
		if err := s.store.Maintain(); err != nil && !errors.Is(err, storage.ErrClosed) {
			s.log.Error("store not compacted", "error", err)
		}
	}()
}

func (s *server) tellSystemd(state string) {
	if err := s.p.notifySystemd(state); err != nil {
		s.log.Warn("service manager not told", "state", state, "error", err)
	}
}
