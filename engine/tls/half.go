package tls

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"encoding/binary"
	"hash"
	"slices"
)

// half is one direction of records: the traffic secret, and what was made of it
// while the connection is in use.
type half struct {
	keys   *keys
	seq    uint64
	secret [48]byte // the first bytes, as many as the suite's hash has
	suite  suite
}

// keys is the AEAD of a traffic secret, RFC 8446 §7.3. About 850 bytes, which
// 1 µs brings back.
type keys struct {
	aead      cipher.AEAD
	numbered  bool // it is crypto/tls's, which wants the number of a record as its nonce
	iv, nonce [12]byte
}

// adopt goes on with the AEAD that crypto/tls has made of the secret, if it is
// what crypto/tls has for TLS 1.3.
func (h *half) adopt(made any) {
	if aead, ok := made.(cipher.AEAD); ok && aead.NonceSize() == 8 {
		h.keys = &keys{aead: aead, numbered: true}
	}
}

// suite is a cipher suite of TLS 1.3 that records knows.
type suite struct {
	hash crypto.Hash
	key  uint8 // bytes of the key
}

// suiteOf is the suite of an id; false for one that is left to crypto/tls
// (ChaCha20-Poly1305, which the standard library does not export).
func suiteOf(id uint16) (suite, bool) {
	switch id {
	case tls.TLS_AES_128_GCM_SHA256:
		return suite{crypto.SHA256, 16}, true
	case tls.TLS_AES_256_GCM_SHA384:
		return suite{crypto.SHA384, 32}, true
	}
	return suite{}, false
}

func (s suite) new() func() hash.Hash {
	if s.hash == crypto.SHA384 {
		return sha512.New384
	}
	return sha256.New
}

// expand is HKDF-Expand-Label with an empty context, RFC 8446 §7.1. It cannot
// fail with the lengths that are asked for here.
func (h *half) expand(label string, n int) []byte {
	info := make([]byte, 0, 32)
	info = binary.BigEndian.AppendUint16(info, uint16(n))
	info = append(info, byte(len("tls13 ")+len(label)))
	info = append(append(append(info, "tls13 "...), label...), 0)
	out, err := hkdf.Expand(h.suite.new(), h.secret[:h.suite.hash.Size()], string(info), n)
	if err != nil {
		panic("tls: " + err.Error())
	}
	return out
}

// warm makes the keys if they are not there.
func (h *half) warm() *keys {
	if h.keys == nil {
		block, err := aes.NewCipher(h.expand("key", int(h.suite.key)))
		if err != nil {
			panic("tls: " + err.Error()) // of another length than a key's: cannot be
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			panic("tls: " + err.Error()) // of another block size than AES': cannot be
		}
		h.keys = &keys{aead: aead}
		copy(h.keys.iv[:], h.expand("iv", len(h.keys.iv)))
	}
	return h.keys
}

// next moves on to the next traffic secret, §7.2.
func (h *half) next() {
	copy(h.secret[:], h.expand("traffic upd", h.suite.hash.Size()))
	h.keys, h.seq = nil, 0
}

// nonceFor is the nonce of the next record, §5.3. valid until the next call.
func (h *half) nonceFor(k *keys) []byte {
	if k.numbered {
		binary.BigEndian.PutUint64(k.nonce[:], h.seq)
		h.seq++
		return k.nonce[:8]
	}
	binary.BigEndian.PutUint64(k.nonce[4:], binary.BigEndian.Uint64(k.iv[4:])^h.seq)
	copy(k.nonce[:4], k.iv[:4])
	h.seq++ // 2^64 records are not reached
	return k.nonce[:]
}

// open appends the content of a record, with its type and padding, to dst,
// which has room for it. False when it was not sealed with these keys.
func (h *half) open(record, dst []byte) ([]byte, bool) {
	k := h.warm()
	out, err := k.aead.Open(dst, h.nonceFor(k), record[headerSize:], record[:headerSize])
	if err != nil {
		return dst, false
	}
	return out, true
}

// seal appends content as one record to dst. content must not overlap dst's
// spare room.
func (h *half) seal(typ byte, content, dst []byte) []byte {
	k := h.warm()
	n := len(content) + 1 + k.aead.Overhead()
	dst = slices.Grow(dst, headerSize+n)
	start := len(dst)
	dst = append(dst, typeData, 3, 3, byte(n>>8), byte(n))
	dst = append(append(dst, content...), typ)
	return k.aead.Seal(dst[:start+headerSize], h.nonceFor(k), dst[start+headerSize:], dst[start:start+headerSize])
}
