// Package tls runs crypto/tls over memory, so that an event loop can own a TLS
// connection: ciphertext goes in, plaintext comes out and the other way round,
// and nothing ever waits. Import it as xtls.
//
// A [Filter] lives in two phases.
//
// Handshake: [Filter.Step] on a worker. crypto/tls cannot be resumed after a
// would-block error in its handshake, so the handshake runs as a coroutine
// (iter.Pull) over an in-memory connection that yields when it runs dry. It
// is no goroutine of the scheduler's: it exists only until the handshake is
// done or [Filter.Close] is called, and it runs only inside Step.
//
// Afterwards: [Filter.Decrypt] and [Filter.Encrypt] on the loop that owns the
// connection. Whole records are opened in place, in the buffer that the loop
// read them into; only an incomplete record is kept, so an idle connection
// holds no buffers. Neither allocates in the steady state.
//
// What crypto/tls keeps for ever after a handshake (its input and handshake
// buffers, the exporter's copy of the hellos: more than half of the memory of
// a connection) is released through the offsets of its private fields. They
// are looked up by name and type when the process starts, see [Lean]; with a
// Go release that has other fields everything works as before, with more
// memory and some allocations.
package tls
