// Package tls runs crypto/tls over memory, so that an event loop can own a TLS
// connection: ciphertext goes in, plaintext comes out and the other way round,
// and nothing ever waits. Import it as xtls.
//
// A [Filter] lives in two phases.
//
// Handshake: [Filter.Step] on a worker. crypto/tls cannot be resumed after a
// would-block error in its handshake, so the handshake runs as a coroutine
// (iter.Pull) over an in-memory connection that yields when it runs dry. It
// is no goroutine of the scheduler's: a handshake has it only until it is done or
// [Filter.Close] is called, and it runs only inside these. [Coroutines] lends
// the next one the same.
//
// Afterwards: [Filter.Decrypt] and [Filter.Encrypt] on the loop that owns the
// connection. Whole records are opened in place, in the buffer that the loop
// read them into; only an incomplete record is kept, so an idle connection
// holds no buffers. Neither allocates in the steady state.
//
// # Memory
//
// A server's connection of TLS 1.3 with AES-GCM goes on without its tls.Conn:
// the record layer is ours from there (records.go), since all that it needs are
// two traffic secrets and two numbers. The handshake, its keys and its
// certificates stay with crypto/tls. While a connection rests not even the AES
// keys are in memory, see [Warmth]: 302 bytes instead of 2.9 KB, and 5 µs for
// the first message after a rest. A KeyUpdate (RFC 8446 §4.6.3) is answered,
// never begun, as in crypto/tls.
//
// All others (TLS 1.2, ChaCha20-Poly1305, outgoing streams, FIPS 140 mode) keep
// the tls.Conn, but what only its handshake needed (input and handshake
// buffers, the exporter's copy of the hellos: more than half of its memory) is
// released.
//
// Both reach into the private fields of tls.Conn through offsets that are looked
// up by name and type when the process starts, see [Lean]; with a Go release
// that has other fields everything works as before, with more memory and some
// allocations.
package tls
