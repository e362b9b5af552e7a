package tls_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"strings"
	"testing"

	xtls "github.com/xylem-im/xylem/engine/tls"
)

// Record and message types, RFC 8446 §5.1 and §4.
const (
	typeHandshake = 22
	typeData      = 23
)

var (
	helloRequest    = []byte{0, 0, 0, 0}
	keyUpdate       = []byte{24, 0, 0, 1, 0}
	keyUpdateWanted = []byte{24, 0, 0, 1, 1}
)

// forger writes records of one end of an established connection, with the keys
// of that connection: what crypto/tls itself never sends.
type forger struct {
	version uint16
	secret  []byte // TLS 1.3: the traffic secret
	aead    cipher.AEAD
	iv      []byte // 12 bytes in TLS 1.3, 4 in TLS 1.2
	seq     uint64
}

// forgedPair returns both ends and a forger that stands in for the client (or
// the server). The end that is stood in for must not encrypt any more.
func forgedPair(t *testing.T, version uint16, asClient bool) (client, server *xtls.Filter, f *forger) {
	t.Helper()
	var log bytes.Buffer
	cfg := clientConfig(version)
	cfg.KeyLogWriter = &log
	cfg.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
	client, server = xtls.Client(cfg), xtls.Server(serverConfig(t))
	t.Cleanup(client.Close)
	t.Cleanup(server.Close)

	hello, _, err := client.Step(nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, _, err := server.Step(hello)
	if err != nil {
		t.Fatal(err)
	}
	out, _, err := client.Step(answer)
	if err != nil {
		t.Fatal(err)
	}
	if out, _, err = server.Step(out); err != nil {
		t.Fatal(err)
	}
	if version == tls.VersionTLS12 {
		if _, _, err = client.Step(out); err != nil {
			t.Fatal(err)
		}
		return client, server, forge12(t, log.String(), hello, answer, asClient)
	}
	if suite := server.Info().CipherSuite; suite != tls.TLS_AES_128_GCM_SHA256 {
		t.Fatalf("the forger does not know %s", tls.CipherSuiteName(suite))
	}
	f = &forger{version: version, secret: logged(t, log.String(), map[bool]string{true: "CLIENT_TRAFFIC_SECRET_0", false: "SERVER_TRAFFIC_SECRET_0"}[asClient])}
	f.key13(t)
	return client, server, f
}

// logged finds the secret of a line of the key log.
func logged(t *testing.T, log, label string) []byte {
	t.Helper()
	for line := range strings.Lines(log) {
		if p := strings.Fields(line); len(p) == 3 && p[0] == label {
			b, err := hex.DecodeString(p[2])
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
	}
	t.Fatalf("%s is not in the key log", label)
	return nil
}

func newGCM(t *testing.T, key []byte) cipher.AEAD {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return aead
}

// expandLabel is HKDF-Expand-Label of RFC 8446 §7.1 with an empty context.
func expandLabel(t *testing.T, secret []byte, label string, n int) []byte {
	t.Helper()
	return expandLabelBy(t, sha256.New, secret, label, n)
}

func expandLabelBy(t *testing.T, hash func() hash.Hash, secret []byte, label string, n int) []byte {
	t.Helper()
	label = "tls13 " + label
	info := string([]byte{0, byte(n), byte(len(label))}) + label + "\x00"
	out, err := hkdf.Expand(hash, secret, info, n)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (f *forger) key13(t *testing.T) {
	f.aead = newGCM(t, expandLabel(t, f.secret, "key", 16))
	f.iv, f.seq = expandLabel(t, f.secret, "iv", 12), 0
}

// update moves to the next keys, RFC 8446 §7.2.
func (f *forger) update(t *testing.T) {
	f.secret = expandLabel(t, f.secret, "traffic upd", 32)
	f.key13(t)
}

// forge12 makes the keys of RFC 5246 §6.3 for AES-128-GCM out of the master
// secret and the randoms of both hellos.
func forge12(t *testing.T, log string, clientHello, serverHello []byte, asClient bool) *forger {
	const random = 5 + 4 + 2 // behind record header, message header and version
	seed := append([]byte("key expansion"), serverHello[random:random+32]...)
	seed = append(seed, clientHello[random:random+32]...)
	mac := func(parts ...[]byte) []byte {
		h := hmac.New(sha256.New, logged(t, log, "CLIENT_RANDOM"))
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	var block []byte
	for a := mac(seed); len(block) < 40; a = mac(a) {
		block = append(block, mac(a, seed)...)
	}
	f := &forger{version: tls.VersionTLS12, seq: 1} // 0 was Finished
	if asClient {
		f.aead, f.iv = newGCM(t, block[:16]), block[32:36]
	} else {
		f.aead, f.iv = newGCM(t, block[16:32]), block[36:40]
	}
	return f
}

// record seals content as one record.
func (f *forger) record(typ byte, content []byte) []byte {
	seq := binary.BigEndian.AppendUint64(nil, f.seq)
	f.seq++
	if f.version == tls.VersionTLS12 {
		header := []byte{typ, 3, 3}
		aad := binary.BigEndian.AppendUint16(append(bytes.Clone(seq), header...), uint16(len(content)))
		sealed := f.aead.Seal(nil, append(bytes.Clone(f.iv), seq...), content, aad)
		header = binary.BigEndian.AppendUint16(header, uint16(8+len(sealed)))
		return append(append(header, seq...), sealed...)
	}
	f.seq--
	return f.sealed(append(bytes.Clone(content), typ))
}

// sealed is a record of TLS 1.3 whose content, with type and padding, is inner.
func (f *forger) sealed(inner []byte) []byte {
	seq := binary.BigEndian.AppendUint64(nil, f.seq)
	f.seq++
	header := binary.BigEndian.AppendUint16([]byte{typeData, 3, 3}, uint16(len(inner)+16))
	nonce := bytes.Clone(f.iv)
	for i, b := range seq {
		nonce[4+i] ^= b
	}
	return f.aead.Seal(bytes.Clone(header), nonce, inner, header)
}

// TestKeysOfSuites: which hash and how long a key each suite has.
func TestKeysOfSuites(t *testing.T) {
	secret := bytes.Repeat([]byte{1, 2, 3}, 16)
	for id, c := range map[uint16]struct {
		hash        func() hash.Hash
		secret, key int
	}{
		tls.TLS_AES_128_GCM_SHA256: {sha256.New, 32, 16},
		tls.TLS_AES_256_GCM_SHA384: {sha512.New384, 48, 32},
	} {
		record := xtls.Seal(id, secret[:c.secret], []byte("content"))
		aead := newGCM(t, expandLabelBy(t, c.hash, secret[:c.secret], "key", c.key))
		iv := expandLabelBy(t, c.hash, secret[:c.secret], "iv", 12)
		inner, err := aead.Open(nil, iv, record[5:], record[:5])
		if err != nil || string(inner) != "content\x17" {
			t.Errorf("%s: %q, %v", tls.CipherSuiteName(id), inner, err)
		}
	}
}
