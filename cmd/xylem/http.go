package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// publicHandler is what http.listen answers: health and metrics, for reading
// only. Nothing that changes the server is reachable over TCP.
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
	mux.Handle("GET /metrics", promhttp.HandlerFor(newMetrics(s), promhttp.HandlerOpts{}))
	return mux
}

// webServer is one http.Server on one listener.
type webServer struct {
	server *http.Server
	done   chan struct{}
}

// startWeb serves handler on l until stop.
func startWeb(l net.Listener, handler http.Handler, log *slog.Logger) *webServer {
	w := &webServer{done: make(chan struct{}), server: &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}}
	go func() {
		defer close(w.done)
		if err := w.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("http stopped", "address", l.Addr().String(), "error", err)
		}
	}()
	return w
}

// stop lets requests under way finish, for a second at most. A nil webServer
// has nothing to stop.
func (w *webServer) stop() {
	if w == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if w.server.Shutdown(ctx) != nil {
		_ = w.server.Close() // the requests have had their second
	}
	<-w.done
}
