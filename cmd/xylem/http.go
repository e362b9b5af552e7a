package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/net/netutil"
)

// publicHandler is what http.listen answers: health, metrics and the records of
// remote domains, for reading only. Nothing that changes the server is reachable over TCP.
func publicHandler(s *server) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !s.serving.Load() {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ready\n"))
	})
	mux.HandleFunc("GET /v1/s2s", func(w http.ResponseWriter, r *http.Request) {
		answer, err := s.listRemotes(r)
		writeAnswer(w, answer, err)
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(newMetrics(s), promhttp.HandlerOpts{}))
	return mux
}

// publicConnections bounds who is connected to http.listen at a time; others wait.
// Whoever reaches it must not use up the open files of the whole server.
const publicConnections = 64

// newPublic is what listens on http.listen.
func newPublic(l net.Listener, handler http.Handler, log *slog.Logger) *webServer {
	w := newWeb(netutil.LimitListener(l, publicConnections), handler, log)
	w.server.WriteTimeout = time.Minute // for who reads no answer
	return w
}

// webServer is one http.Server on one listener.
type webServer struct {
	server   *http.Server
	listener net.Listener
	done     chan struct{} // nil until start
}

// newWeb answers on l with handler from start to stop; who connects before
// waits in the listener's queue.
func newWeb(l net.Listener, handler http.Handler, log *slog.Logger) *webServer {
	return &webServer{listener: l, server: &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}}
}

// start begins to answer. A nil webServer has nothing to answer.
func (w *webServer) start(log *slog.Logger) {
	if w == nil {
		return
	}
	w.done = make(chan struct{})
	go func() {
		defer close(w.done)
		if err := w.server.Serve(w.listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("http stopped", "address", w.listener.Addr().String(), "error", err)
		}
	}()
}

// stop lets requests under way finish, for a second at most. A nil webServer
// has nothing to stop.
func (w *webServer) stop() {
	if w == nil {
		return
	}
	if w.done == nil {
		_ = w.listener.Close() // nobody was served
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if w.server.Shutdown(ctx) != nil {
		_ = w.server.Close() // the requests have had their second
	}
	<-w.done
}
