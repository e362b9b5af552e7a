// Package engine is the embeddable server: event loops on epoll, the TLS
// filter, timers, outbound buffers, limits, hooks and admission. It drives
// the sans-IO parts (session, routing, storage pump) and is driven by nobody
// but the program that embeds it.
//
//	e, err := engine.New(engine.Config{Domains: []string{"localhost"}, Certificates: certificates, Store: store})
//	…
//	err = e.Run(ctx) // serves until ctx is done, and stops in order
//
// docs/embedding.md goes through what a program can do with it; cmd/xylem is one.
// Who reads the code begins with loop, which has all that one event loop owns, and
// with the way of a message in ARCHITECTURE.md.
//
// An Engine keeps all its state in itself: two can run in one process. It
// registers nothing globally, never ends the process and logs only to the
// logger that it was given.
package engine
