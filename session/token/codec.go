package token

import (
	"encoding/binary"
	"errors"
)

// ErrFormat is returned by Parse for bytes that Append did not make.
var ErrFormat = errors.New("token: not a stored record")

const formatV1 = 1

// Append appends the form that is stored to dst: a version byte (1); software and
// device; Used; then New and Current, each a byte 1 with mechanism, nonce, Issued,
// Expires and Count, or a byte 0 when there is none. Strings have their length as a
// uvarint before them, numbers are uvarints. About 130 bytes.
func (r *Record) Append(dst []byte) []byte {
	dst = append(dst, formatV1)
	dst = appendString(dst, r.Software)
	dst = appendString(dst, r.Device)
	dst = binary.AppendUvarint(dst, uint64(r.Used))
	dst = r.New.append(dst)
	return r.Current.append(dst)
}

func (t *Token) append(dst []byte) []byte {
	if !t.Exists() {
		return append(dst, 0)
	}
	dst = appendString(append(dst, 1), t.Mechanism)
	dst = append(dst, t.Nonce[:]...)
	dst = binary.AppendUvarint(dst, uint64(t.Issued))
	dst = binary.AppendUvarint(dst, uint64(t.Expires))
	return binary.AppendUvarint(dst, uint64(t.Count))
}

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// Parse reads what Append wrote. The result does not share memory with b. Another
// version, wrong lengths and trailing bytes are ErrFormat.
func Parse(b []byte) (r Record, err error) {
	if len(b) == 0 || b[0] != formatV1 {
		return Record{}, ErrFormat
	}
	in := reader{b: b[1:]}
	r.Software, r.Device, r.Used = in.text(), in.text(), in.number(1<<62)
	r.New, r.Current = in.token(), in.token()
	if in.bad || len(in.b) > 0 {
		return Record{}, ErrFormat
	}
	return r, nil
}

// reader takes values off the front of b; bad once that was not possible.
type reader struct {
	b   []byte
	bad bool
}

func (in *reader) number(most uint64) int64 {
	n, used := binary.Uvarint(in.b)
	if used <= 0 || n > most {
		in.bad, in.b = true, nil
		return 0
	}
	in.b = in.b[used:]
	return int64(n)
}

func (in *reader) bytes(n int64) []byte {
	if n > int64(len(in.b)) {
		in.bad, in.b = true, nil
		return nil
	}
	taken := in.b[:n]
	in.b = in.b[n:]
	return taken
}

func (in *reader) text() string { return string(in.bytes(in.number(1 << 16))) }

func (in *reader) token() (t Token) {
	switch in.number(1) {
	case 1:
		t.Mechanism = in.text()
		copy(t.Nonce[:], in.bytes(nonceSize))
		t.Issued, t.Expires = in.number(1<<62), in.number(1<<62)
		t.Count = uint32(in.number(1<<32 - 1))
		in.bad = in.bad || t.Expires == 0
	}
	return t
}
