// Package session is the state machine of one client's XML stream (RFC 6120
// §4–§7): headers, features, STARTTLS, SASL, resource binding and the checks
// that every stanza must pass before it is routed. It does no I/O and reads no
// clock: bytes, deliveries, results and the time come in through four doors,
// and what the engine must do next comes out in one struct.
//
//	n := s.Feed(now, in, out)     // from the wire
//	s.Deliver(now, stanza, out)   // from the router
//	s.Complete(now, result, out)  // from storage or any other worker
//	s.Tick(now, out)              // from the timer wheel
//
// Feed handles at most one element a call, because what it lends through Out
// borrows the input. n may be 0 although there is a whole element: a session
// that waits for an operation consumes nothing until Complete, so a client's
// stanzas are handled in order (RFC 6120 §10.1) without a queue of their own.
//
// now is always Unix time in nanoseconds. A Session belongs to one event loop.
package session
