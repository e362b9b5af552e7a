package tls

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
)

// records is the record layer of an established TLS 1.3 connection, server's
// end, with AES-GCM (RFC 8446 §5): what of a tls.Conn is still needed once the
// handshake is over. crypto/tls makes the handshake and its secrets; from then
// on a connection that is at rest is this struct instead of 2.9 KB. Loop only.
type records struct {
	in, out half
	warmth  *Warmth
	index   int32 // in warmth.list; -1: not there
	used    bool  // since warmth looked last
	useless uint8 // records in a row that brought nothing
	update  uint8 // bytes of a KeyUpdate that have come, see message
	wanted  bool  // it asks for one of ours
	closed  bool  // an alert was sent: nothing may follow
}

// Content types, RFC 8446 §5.1.
const (
	typeChangeCipherSpec = 20
	typeAlert            = 21
	typeHandshake        = 22
	typeData             = 23
)

const (
	maxPlain   = 1 << 14        // bytes of content of a record, RFC 8446 §5.1
	maxSealed  = maxPlain + 256 // of a protected record without its header, §5.2
	maxUseless = 16             // records in a row without data that are put up with, as in crypto/tls
)

// Alerts, RFC 8446 §6.
const (
	alertCloseNotify       tls.AlertError = 0
	alertUnexpectedMessage tls.AlertError = 10
	alertBadRecordMAC      tls.AlertError = 20
	alertRecordOverflow    tls.AlertError = 22
	alertIllegalParameter  tls.AlertError = 47
	alertDecodeError       tls.AlertError = 50
	alertProtocolVersion   tls.AlertError = 70
	alertUserCanceled      tls.AlertError = 90
)

// errAlertSent: nothing can be sent behind an alert.
var errAlertSent = errors.New("tls: an alert was sent, the connection is closed for writing")

// open appends the content of one whole record to dst. pending is where what
// must be sent goes: an answer, or with an error the alert.
func (r *records) open(record, dst []byte, pending *[]byte) ([]byte, error) {
	r.touch()
	switch n := len(record) - headerSize; {
	case record[1] != 3 || record[2] != 3:
		return dst, r.refuse(alertProtocolVersion, pending)
	case binary.BigEndian.Uint16(record[3:]) != uint16(n) || n > maxSealed:
		return dst, r.refuse(alertRecordOverflow, pending)
	case record[0] == typeChangeCipherSpec:
		// §5 lets it be dropped until Finished only; crypto/tls drops it always,
		// like all that advances nothing.
		switch {
		case n != 1 || record[headerSize] != 1:
			return dst, r.refuse(alertDecodeError, pending)
		case r.update > 0:
			return dst, r.refuse(alertUnexpectedMessage, pending)
		}
		return dst, r.nothing(pending)
	case record[0] != typeData:
		return dst, r.refuse(alertUnexpectedMessage, pending)
	}
	start := len(dst)
	dst, ok := r.in.open(record, slices.Grow(dst, len(record)))
	if !ok {
		return dst[:start], r.refuse(alertBadRecordMAC, pending)
	}
	end := len(dst)
	for end > start && dst[end-1] == 0 { // padding, §5.4
		end--
	}
	if end == start {
		return dst[:start], r.refuse(alertUnexpectedMessage, pending)
	}
	typ, content := dst[end-1], dst[start:end-1]
	switch {
	case len(content) > maxPlain:
		return dst[:start], r.refuse(alertRecordOverflow, pending)
	case typ != typeHandshake && r.update > 0: // §5.1: messages are not interleaved
		return dst[:start], r.refuse(alertUnexpectedMessage, pending)
	case typ == typeData && len(content) > 0:
		r.useless = 0
		return dst[:end-1], nil
	case typ == typeData:
		return dst[:start], r.nothing(pending)
	case typ == typeAlert:
		return dst[:start], r.alert(content, pending)
	case typ == typeHandshake:
		return dst[:start], r.message(content, pending)
	}
	return dst[:start], r.refuse(alertUnexpectedMessage, pending)
}

// alert takes one of the peer's, §6.
func (r *records) alert(content []byte, pending *[]byte) error {
	if len(content) != 2 {
		return r.refuse(alertUnexpectedMessage, pending)
	}
	switch a := tls.AlertError(content[1]); a {
	case alertCloseNotify:
		return io.EOF
	case alertUserCanceled: // §6.1: close_notify follows
		return r.nothing(pending)
	default:
		return &net.OpError{Op: "remote error", Err: a}
	}
}

// keyUpdate is the one message that a client may send after the handshake,
// §4.6.3: its type, its length and, instead of the last byte, a 0 or a 1.
var keyUpdate = [...]byte{24, 0, 0, 1} // never written

// message takes a part of a handshake message, which may be spread over
// records. It is compared as it comes, so nothing has to be kept of it.
func (r *records) message(content []byte, pending *[]byte) error {
	if len(content) == 0 { // §5.1: not allowed
		return r.refuse(alertUnexpectedMessage, pending)
	}
	for i, b := range content {
		switch at := int(r.update); {
		case at < len(keyUpdate) && b != keyUpdate[at]:
			return r.refuse(alertUnexpectedMessage, pending)
		case at < len(keyUpdate):
			r.update++
		case b > 1:
			return r.refuse(alertIllegalParameter, pending)
		case i != len(content)-1: // §5.1: the keys change at the end of a record
			return r.refuse(alertUnexpectedMessage, pending)
		default:
			r.update, r.wanted = 0, b == 1
			return r.newKeys(pending)
		}
	}
	return nil
}

// newKeys changes the peer's keys, and ours when it wants that.
func (r *records) newKeys(pending *[]byte) error {
	if err := r.nothing(pending); err != nil {
		return err
	}
	if r.wanted && !r.closed {
		*pending = r.out.seal(typeHandshake, append(keyUpdate[:len(keyUpdate):len(keyUpdate)], 0), *pending)
		r.out.next()
	}
	r.in.next()
	return nil
}

// nothing counts records that bring nothing, of which a flood costs us more
// than the peer.
func (r *records) nothing(pending *[]byte) error {
	if r.useless++; r.useless > maxUseless {
		return r.refuse(alertUnexpectedMessage, pending)
	}
	return nil
}

// refuse sends a fatal alert, which is also the error.
func (r *records) refuse(a tls.AlertError, pending *[]byte) error {
	if !r.closed {
		*pending = r.out.seal(typeAlert, []byte{2, byte(a)}, *pending)
		r.closed = true
	}
	return &net.OpError{Op: "local error", Err: a}
}

// seal appends plain as records to dst.
func (r *records) seal(plain, dst []byte) ([]byte, error) {
	if r.closed {
		return dst, errAlertSent
	}
	r.touch()
	for len(plain) > 0 {
		n := min(len(plain), maxPlain)
		dst = r.out.seal(typeData, plain[:n], dst)
		plain = plain[n:]
	}
	return dst, nil
}

// closeNotify appends the alert that ends our side, once.
func (r *records) closeNotify(dst []byte) []byte {
	if r.closed {
		return dst
	}
	r.touch()
	r.closed = true
	return r.out.seal(typeAlert, []byte{1, byte(alertCloseNotify)}, dst)
}

// touch notes that the keys are in use.
func (r *records) touch() {
	r.used = true
	if r.warmth != nil && r.index < 0 {
		r.warmth.add(r)
	}
}
