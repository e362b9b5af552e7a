package sasl

import (
	"encoding/binary"
	"errors"
)

// ErrFormat is returned by ParseCredentials for bytes that Append did not make.
var ErrFormat = errors.New("sasl: not stored credentials")

const (
	formatV1     = 1
	keysPerEntry = 5 // salt and four keys
)

// Append appends the form that is stored to dst: a version byte (1), then for
// SHA-1 and for SHA-256 the iteration count as a uvarint and five byte strings
// (salt, StoredKey, ServerKey, CompatStoredKey, CompatServerKey), each with one
// byte of length before it. About 180 bytes.
func (c Credentials) Append(dst []byte) []byte {
	dst = append(dst, formatV1)
	dst = c.SHA1.append(dst)
	return c.SHA256.append(dst)
}

func (k *Keys) fields() [keysPerEntry]*[]byte {
	return [...]*[]byte{&k.Salt, &k.StoredKey, &k.ServerKey, &k.CompatStoredKey, &k.CompatServerKey}
}

func (k *Keys) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(k.Iterations))
	for _, f := range k.fields() {
		dst = append(dst, byte(len(*f)))
		dst = append(dst, *f...)
	}
	return dst
}

// ParseCredentials reads what Append wrote. The result does not share memory
// with b. Another version, wrong lengths or trailing bytes are ErrFormat.
func ParseCredentials(b []byte) (Credentials, error) {
	var c Credentials
	if len(b) == 0 || b[0] != formatV1 {
		return c, ErrFormat
	}
	b, ok := c.SHA1.parse(b[1:], kindSHA1)
	if ok {
		b, ok = c.SHA256.parse(b, kindSHA256)
	}
	if !ok || len(b) != 0 {
		return Credentials{}, ErrFormat
	}
	return c, nil
}

func (k *Keys) parse(b []byte, h *hashKind) ([]byte, bool) {
	n, used := binary.Uvarint(b)
	if used <= 0 || n > MaxIterations {
		return nil, false
	}
	k.Iterations, b = int(n), b[used:]
	for i, f := range k.fields() {
		if len(b) == 0 || len(b) < 1+int(b[0]) {
			return nil, false
		}
		size := int(b[0])
		if i > 0 && size != 0 && size != h.size {
			return nil, false
		}
		if size > 0 {
			*f = append(make([]byte, 0, size), b[1:1+size]...)
		}
		b = b[1+size:]
	}
	return b, true
}
