package sasl

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// ErrFormat is returned by ParseCredentials for bytes that Append did not make.
var ErrFormat = errors.New("sasl: not stored credentials")

const formatV1 = 1

// Append appends the form that is stored to dst: a version byte (1), then for
// SHA-1 and for SHA-256 the iteration count as a uvarint and five byte strings
// (salt, StoredKey, ServerKey, CompatStoredKey, CompatServerKey), each with its
// length as a uvarint before it. About 150 bytes.
func (c Credentials) Append(dst []byte) []byte {
	dst = append(dst, formatV1)
	dst = c.SHA1.append(dst)
	return c.SHA256.append(dst)
}

func (k *Keys) fields() [5]*[]byte {
	return [5]*[]byte{&k.Salt, &k.StoredKey, &k.ServerKey, &k.CompatStoredKey, &k.CompatServerKey}
}

func (k *Keys) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(k.Iterations))
	for _, f := range k.fields() {
		dst = binary.AppendUvarint(dst, uint64(len(*f)))
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
		size, used := binary.Uvarint(b)
		if used <= 0 || size > uint64(len(b)-used) {
			return nil, false
		}
		isKey := i > 0
		if isKey && size != 0 && size != uint64(h.size) {
			return nil, false
		}
		if b = b[used:]; size > 0 {
			*f = bytes.Clone(b[:size])
		}
		b = b[size:]
	}
	return b, true
}
