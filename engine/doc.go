// Package engine is the embeddable server: event loops on epoll, the TLS
// filter, timers, outbound buffers, limits, hooks and admission. It drives
// the sans-IO parts (session, routing, storage pump) and is driven by nobody
// but the program that embeds it.
//
//	e, err := engine.New(engine.Config{Domains: []string{"localhost"}, Certificates: certificates, Store: store})
//	go e.Run(ctx)
//	<-e.Ready()
//
// An Engine keeps all its state in itself: two can run in one process. It
// registers nothing globally, never ends the process and logs only to the
// logger that it was given.
package engine
