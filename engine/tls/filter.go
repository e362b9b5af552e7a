package tls

import (
	"crypto/fips140"
	"crypto/tls"
	"errors"
	"io"
	"slices"

	"github.com/xylem-im/xylem/internal/invariants"
)

// MaxHeld bounds in bytes the ciphertext that a Filter keeps for later: an
// incomplete record, or what the caller did not want decrypted yet.
const MaxHeld = 256 << 10

var (
	// ErrClosed is returned by a Filter after Close.
	ErrClosed = errors.New("tls: filter is closed")
	// ErrPhase is returned for a call that belongs to the other phase: Step after
	// the handshake, Decrypt or Encrypt before its end.
	ErrPhase = errors.New("tls: wrong phase for this call")
	// ErrHeld is returned when more than MaxHeld bytes would have to be kept.
	ErrHeld = errors.New("tls: too much input held back")
)

// Filter is one TLS connection over memory. Not safe for concurrent use: one
// caller at a time, first a worker, then the loop that owns the connection.
// Close must be called on one that is given up before its handshake is done.
type Filter struct {
	conn    *tls.Conn // nil once records has taken over
	records *records  // after the handshake; nil: conn goes on by itself
	wire    wire
	info    *Info
	err     error // final: what every further call returns
	client  bool
	eof     bool // close_notify received
	ticket  bool // wire.out is tickets and nothing else: they go with what is sent next
}

// handshake is what exists only until the handshake is done.
type handshake struct {
	conn  *tls.Conn
	from  *Coroutines // nil: the coroutine is made for this handshake
	on    *coroutine  // nil before the first Step, and once it is over
	yield func(struct{}) bool
	given bool // up, see Close
	err   error
	left  int  // bytes of the record that Read is in the middle of
	leaf  leaf // which certificate the server showed
	asks  bool // for a client's certificate
	light bool // see Filter.Light
}

// Server makes the server's end. cfg is shared by all connections and must not
// change; make it with [ServerConfig] if tls-server-end-point is wanted.
func Server(cfg *tls.Config) *Filter {
	f := &Filter{}
	f.conn = tls.Server(&f.wire, cfg)
	f.wire.hs = &handshake{conn: f.conn, asks: cfg.ClientAuth != tls.NoClientCert}
	return f
}

// Client makes the client's end, for outgoing streams and tests.
func Client(cfg *tls.Config) *Filter {
	f := &Filter{client: true}
	f.conn = tls.Client(&f.wire, cfg)
	f.wire.hs = &handshake{conn: f.conn}
	return f
}

// RunOn has the handshake run on a coroutine of p's. To be called before the first
// Step.
func (f *Filter) RunOn(p *Coroutines) { f.wire.hs.from = p }

// step goes on with the handshake until it needs input, and tells whether it does.
// The coroutine is taken by the first step and not before: it has a stack, which a
// peer that connects and says nothing must not cost us, and it must not be made on
// a goroutine that is locked to a thread, as a loop may be.
func (hs *handshake) step() (unfinished bool) {
	if hs.on == nil {
		hs.on = hs.from.take()
		hs.on.hs = hs
	}
	hs.on.next()
	if hs.on.hs != nil {
		return true
	}
	hs.from.put(hs.on)
	hs.on = nil
	return false
}

// run is the handshake, on its coroutine.
func (hs *handshake) run(yield func(struct{}) bool) {
	hs.yield = yield
	hs.err = hs.conn.Handshake()
	hs.yield = nil
}

// pause leaves the coroutine until there is input; false when there will be none.
func (hs *handshake) pause() bool {
	return !hs.given && hs.yield != nil && hs.yield(struct{}{}) && !hs.given
}

// giveUp unwinds an unfinished handshake.
func (hs *handshake) giveUp() {
	if hs.on != nil {
		hs.given = true
		hs.step()
	}
}

// Established tells whether the handshake is done and nothing has failed.
func (f *Filter) Established() bool { return f.wire.hs == nil && f.err == nil }

// Step feeds ciphertext to the handshake and runs it until it needs more or
// is over. The first call of a client takes nil and returns the ClientHello.
// out is what to send, also with an error (the alert); it belongs to the
// caller. When done is true, call Decrypt(nil, …) at once on the loop: data
// may have come with the last message. The session tickets of TLS 1.3 are not in
// out: they need not be there before anything else is said (RFC 8446 §4.6.1), and go
// in front of what is encrypted next instead of in a packet of their own. in is copied. Takes 0.25 to 2 ms unless
// [Filter.Light] says otherwise: for a worker, one at a time but not always the
// same; its goroutine must not be locked to a thread.
func (f *Filter) Step(in []byte) (out []byte, done bool, err error) {
	if f.err != nil {
		return nil, false, f.err
	}
	hs := f.wire.hs
	if hs == nil {
		return nil, false, ErrPhase
	}
	if len(f.wire.in)+len(in) > MaxHeld {
		f.Close()
		f.err = ErrHeld
		return nil, false, f.err
	}
	f.wire.in = append(f.wire.in, in...)
	unfinished := hs.step()
	out, f.wire.out = f.wire.out, nil
	if unfinished {
		hs.light = !f.client && !hs.asks && endsEncrypted(out)
		f.compact()
		return out, false, nil
	}
	f.wire.hs = nil
	if hs.err != nil {
		f.fail(hs.err)
		return out, false, f.err
	}
	f.info = newInfo(f.conn, hs.leaf, f.client)
	if !f.client && f.info.Version == tls.VersionTLS13 && len(out) > 0 {
		f.wire.out, f.ticket, out = out, true, nil // a server says nothing else behind the client's Finished
	}
	if fields.ok && !f.takeOver() {
		fields.release(f.conn, f.client)
	}
	f.compact()
	return out, true, nil
}

// Light tells whether the next Step is one that a loop may do by itself, as it is
// with a message: the server has sent all that it says in a handshake of TLS 1.3, so
// its keys are agreed and its signature is made, and what comes is the client's
// Finished (RFC 8446 §4.4.4), a MAC to compare. It takes 0.01 ms. A client's
// certificate would be verified there, so a server that asks for one has no such step.
func (f *Filter) Light() bool { return f.wire.hs != nil && f.wire.hs.light }

// endsEncrypted tells whether the last of some records of the server is an encrypted
// one. In a handshake that is so behind the server's Finished of TLS 1.3, and neither
// behind a HelloRetryRequest nor in TLS 1.2 before the end.
func endsEncrypted(records []byte) bool {
	last := []byte(nil)
	for len(records) >= headerSize {
		n := min(recordSize(records), len(records))
		last, records = records[:n], records[n:]
	}
	return last != nil && last[0] == typeData
}

// takeOver replaces the tls.Conn by records, where they know the suite.
func (f *Filter) takeOver() bool {
	suite, known := suiteOf(f.info.CipherSuite)
	if f.client || f.info.Version != tls.VersionTLS13 || !known || fips140.Enabled() {
		return false
	}
	r := &records{index: -1}
	if !fields.secrets(f.conn, suite, r) {
		return false
	}
	f.records, f.conn = r, nil
	return true
}

// compact moves the rest of the input to the front of a slice that fits, so
// that consumed input is not kept alive by it.
func (f *Filter) compact() {
	if len(f.wire.in) == 0 {
		f.wire.in = nil
	} else if cap(f.wire.in) > 2*len(f.wire.in) {
		f.wire.in = slices.Clone(f.wire.in)
	}
}

// fail makes err final and drops what is not needed to report it.
func (f *Filter) fail(err error) {
	f.err = err
	f.wire.in = nil
}

// Close ends the filter wherever it is: the coroutine of an unfinished
// handshake is unwound before Close returns, and memory is let go. It sends
// nothing, see [Filter.CloseNotify]. It must not be called while another
// goroutine is in Step. A second call does nothing.
func (f *Filter) Close() {
	if hs := f.wire.hs; hs != nil {
		hs.giveUp()
		f.wire.hs = nil
	}
	if f.err == nil {
		f.err = ErrClosed
	}
	f.Rest()
	f.records = nil
	f.conn, f.info, f.wire.in, f.wire.out = nil, nil, nil, nil
}

// Decrypt takes ciphertext as it came from the network and appends the
// plaintext to dst. All of in is consumed: records are opened in place, so in
// is overwritten, and the rest of an incomplete record is kept. dst must not
// overlap in. It returns io.EOF when the peer sent close_notify (plaintext
// before it is still returned), and what crypto/tls says for anything against
// the protocol; then an alert waits in [Filter.Pending]. It adds at most
// len(in) plus the length of one record. Loop only. It does not allocate as
// long as dst has room and records arrive whole.
func (f *Filter) Decrypt(in, dst []byte) (plain []byte, err error) {
	plain, _, err = f.DecryptUpTo(in, dst, int(^uint(0)>>1))
	return plain, err
}

// DecryptUpTo is Decrypt with a bound: once most bytes or more were added to
// dst it opens no further record (so it may add up to 16,383 more), keeps the
// rest as ciphertext and says so with more. Call it with nil to go on. A
// caller that does so must stop reading from the network meanwhile: beyond
// MaxHeld it fails with ErrHeld.
func (f *Filter) DecryptUpTo(in, dst []byte, most int) (plain []byte, more bool, err error) {
	if f.err != nil {
		return dst, false, f.err
	}
	if f.wire.hs != nil {
		return dst, false, ErrPhase
	}
	start := len(dst)
	for len(dst)-start < most {
		var record []byte
		if record, in = f.nextRecord(in); record == nil {
			break
		}
		waits := len(f.wire.out)
		dst, err = f.open(record, dst)
		f.ticket = f.ticket && len(f.wire.out) == waits
		if err != nil {
			f.fail(err)
			return dst, false, err
		}
	}
	if len(f.wire.in)+len(in) > MaxHeld {
		f.fail(ErrHeld)
		return dst, false, ErrHeld
	}
	if len(in) > 0 {
		f.wire.in = append(f.wire.in, in...)
	}
	if len(f.wire.in) == 0 {
		f.wire.in = nil
	}
	return dst, len(f.wire.in) >= recordSize(f.wire.in), nil
}

// recordSize returns the length of the record at the head of b with its
// header. What cannot be a record counts as one of headerSize, which is enough
// for crypto/tls to refuse it. It is more than len(b) when b is incomplete.
func recordSize(b []byte) int {
	if len(b) < headerSize {
		return headerSize
	}
	n := int(b[3])<<8 | int(b[4])
	if n > maxRecord {
		return headerSize
	}
	return headerSize + n
}

// nextRecord cuts one whole record off what is held and in, or returns nil and
// leaves all as held. Only a record that began in an earlier call is copied.
func (f *Filter) nextRecord(in []byte) (record, rest []byte) {
	if len(f.wire.in) == 0 {
		if n := recordSize(in); n <= len(in) {
			return in[:n:n], in[n:]
		}
		return nil, in
	}
	// Twice at most: up to the header, then up to the end.
	for len(f.wire.in) < recordSize(f.wire.in) {
		n := min(recordSize(f.wire.in)-len(f.wire.in), len(in))
		if n == 0 {
			return nil, in
		}
		f.wire.in = append(f.wire.in, in[:n]...)
		in = in[n:]
	}
	n := recordSize(f.wire.in)
	record = f.wire.in[:n:n]
	f.wire.in = f.wire.in[n:]
	return record, in
}

// open gives one whole record to crypto/tls and appends its plaintext to dst.
// A record of another kind (KeyUpdate, ticket) yields none.
func (f *Filter) open(record, dst []byte) ([]byte, error) {
	if f.records != nil {
		dst, err := f.records.open(record, dst, &f.wire.out)
		f.eof = f.eof || err == io.EOF
		invariants.Poison(record)
		return dst, err
	}
	dst = slices.Grow(dst, max(len(record), 1))
	held := f.wire.in
	if fields.ok {
		f.wire.in = nil
		fields.lend(f.conn, record)
	} else {
		f.wire.in = record
	}
	// One Read drains a record: there is room for all of it.
	n, err := f.conn.Read(dst[len(dst):cap(dst)])
	f.wire.in = held
	if fields.ok {
		fields.takeBack(f.conn)
	}
	invariants.Poison(record)
	if err == errAgain {
		err = nil
	} else if err == io.EOF {
		f.eof = true
	}
	return dst[:len(dst)+n], err
}

// Encrypt appends plain as records to dst, behind what waits to be sent (tickets, and
// whatever [Filter.Pending] would have returned). An empty plain adds only that. Loop only. It does not
// allocate as long as dst has room: about 22 bytes more per 16 KB.
func (f *Filter) Encrypt(plain, dst []byte) ([]byte, error) {
	if f.err != nil && f.err != io.EOF { // a peer that closed its side may still read
		return dst, f.err
	}
	if f.wire.hs != nil {
		return dst, ErrPhase
	}
	dst = append(dst, f.takeOut()...)
	if len(plain) == 0 {
		return dst, nil
	}
	if f.records != nil {
		return f.records.seal(plain, dst)
	}
	f.wire.out = dst
	_, err := f.conn.Write(plain)
	dst, f.wire.out = f.wire.out, nil
	return dst, err
}

// Pending takes the bytes that crypto/tls wants sent on its own account: the
// answer to a KeyUpdate, or the alert that goes with an error. They must be
// sent in front of anything that is encrypted later; Encrypt does so by
// itself. Nil most of the time, and while there are only tickets, which can wait. The
// result belongs to the caller.
func (f *Filter) Pending() []byte {
	if f.ticket {
		return nil
	}
	return f.takeOut()
}

// takeOut is Pending with what can wait.
func (f *Filter) takeOut() []byte {
	out := f.wire.out
	f.wire.out, f.ticket = nil, false
	return out
}

// CloseNotify appends to dst what is pending and a close_notify alert, RFC
// 8446 §6.1. Nothing can be encrypted afterwards. On a filter that is closed
// or still in its handshake it adds nothing.
func (f *Filter) CloseNotify(dst []byte) []byte {
	if f.records != nil {
		return f.records.closeNotify(append(dst, f.takeOut()...))
	}
	if f.conn == nil || f.wire.hs != nil {
		return dst
	}
	f.wire.out = append(dst, f.takeOut()...)
	_ = f.conn.CloseWrite() // an error only says that an alert was sent before
	return f.takeOut()
}

// CloseRead says what the end of the TCP stream means: nil if the peer sent
// close_notify before, io.ErrUnexpectedEOF if not, so that what was received
// may be a part only (a truncation, RFC 8446 §6.1).
func (f *Filter) CloseRead() error {
	if f.eof {
		return nil
	}
	return io.ErrUnexpectedEOF
}
