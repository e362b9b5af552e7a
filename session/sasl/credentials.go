package sasl

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash"
	"io"
)

const (
	// DefaultIterations is the PBKDF2 count used when none is configured.
	DefaultIterations = 10000
	// MinIterations is the least count that Derive accepts, RFC 7677 §4.
	MinIterations = 4096
	// MaxIterations bounds what Derive, ParseCredentials and Client accept: at
	// this count one check takes seconds.
	MaxIterations = 10_000_000
	// SaltSize is the length in bytes of the salts that Derive and Decoy make.
	SaltSize = 16
)

// ErrIterations is returned by Derive for a count out of range.
var ErrIterations = errors.New("sasl: iteration count out of range")

// Keys are what SCRAM stores for one hash function (RFC 5802 §3): enough to
// check a proof and to give the server's signature, not enough to log in.
type Keys struct {
	Salt       []byte
	Iterations int
	StoredKey  []byte // H(ClientKey): 20 or 32 bytes
	ServerKey  []byte // same length
	// CompatStoredKey and CompatServerKey belong to the same password prepared by
	// SASLprep (RFC 4013), which most SCRAM clients still use, where that differs
	// from OpaqueString: passwords with ligatures, full-width letters and the
	// like. Empty for all others.
	CompatStoredKey, CompatServerKey []byte
}

// Credentials are what is stored for an account; never the password. Keys of
// one of the hash functions may be missing (an imported account).
type Credentials struct{ SHA1, SHA256 Keys }

// hashKind is one hash function of the SCRAM family.
type hashKind struct {
	new   func() hash.Hash
	size  int
	of    func(*Credentials) *Keys
	label string // in what decoys are made of; must not change
}

var (
	kindSHA1   = &hashKind{sha1.New, sha1.Size, func(c *Credentials) *Keys { return &c.SHA1 }, "1"}
	kindSHA256 = &hashKind{sha256.New, sha256.Size, func(c *Credentials) *Keys { return &c.SHA256 }, "256"}
)

func (h *hashKind) hmac(key, msg []byte) []byte {
	mac := hmac.New(h.new, key)
	mac.Write(msg)
	return mac.Sum(nil)
}

func (h *hashKind) sum(b []byte) []byte {
	d := h.new()
	d.Write(b)
	return d.Sum(nil)
}

// salted is Hi(password, salt, i) of RFC 5802 §2.2. The only slow thing here.
func (h *hashKind) salted(password string, salt []byte, iterations int) ([]byte, error) {
	return pbkdf2.Key(h.new, password, salt, iterations, h.size)
}

// keyPair makes StoredKey and ServerKey, RFC 5802 §3.
func (h *hashKind) keyPair(password string, salt []byte, iterations int) (stored, server []byte, err error) {
	salted, err := h.salted(password, salt, iterations)
	if err != nil {
		return nil, nil, fmt.Errorf("sasl: %w", err)
	}
	return h.sum(h.hmac(salted, []byte("Client Key"))), h.hmac(salted, []byte("Server Key")), nil
}

// usable tells whether an exchange with hash h can be held with k.
func (k *Keys) usable(h *hashKind) bool {
	return len(k.StoredKey) == h.size && len(k.ServerKey) == h.size && len(k.Salt) > 0 && k.Iterations > 0
}

// Derive makes the credentials of a new password, prepared by OpaqueString
// (RFC 8265 §4.2), with a salt of SaltSize bytes per hash function out of
// random (nil: crypto/rand). iterations 0 means DefaultIterations. Errors:
// ErrPassword, ErrIterations, or what random returned. Expensive: two PBKDF2
// runs; never on an event loop. Safe for concurrent use.
func Derive(password string, iterations int, random io.Reader) (Credentials, error) {
	if iterations == 0 {
		iterations = DefaultIterations
	}
	if iterations < MinIterations || iterations > MaxIterations {
		return Credentials{}, fmt.Errorf("%w: %d is not in %d..%d", ErrIterations, iterations, MinIterations, MaxIterations)
	}
	prepared, legacy, err := preparePassword(password)
	if err != nil {
		return Credentials{}, err
	}
	if random == nil {
		random = rand.Reader
	}
	var c Credentials
	for _, h := range []*hashKind{kindSHA1, kindSHA256} {
		k := h.of(&c)
		k.Iterations, k.Salt = iterations, make([]byte, SaltSize)
		if _, err = io.ReadFull(random, k.Salt); err != nil {
			return Credentials{}, fmt.Errorf("sasl: salt: %w", err)
		}
		if k.StoredKey, k.ServerKey, err = h.keyPair(prepared, k.Salt, iterations); err != nil {
			return Credentials{}, err
		}
		if legacy != prepared {
			if k.CompatStoredKey, k.CompatServerKey, err = h.keyPair(legacy, k.Salt, iterations); err != nil {
				return Credentials{}, err
			}
		}
	}
	return c, nil
}

// Verify tells whether password, as a PLAIN client sends it, is the one that
// the credentials were derived from. It uses the SHA-256 keys, or the SHA-1
// keys when those are missing. Expensive: one PBKDF2 run, whatever the answer
// (only a password that cannot be prepared at all is refused at once, which
// depends on nothing that is stored); never on an event loop. Safe for
// concurrent use.
func (c Credentials) Verify(password string) bool {
	h := kindSHA256
	if !c.SHA256.usable(h) {
		h = kindSHA1
	}
	k := h.of(&c)
	prepared, legacy, err := preparePassword(password)
	if err != nil || !k.usable(h) {
		return false
	}
	if k.matches(h, prepared) {
		return true
	}
	return legacy != prepared && k.matches(h, legacy)
}

// matches compares in constant time with both forms that are stored. A PLAIN
// client may have applied SASLprep or nothing to what the user typed.
func (k *Keys) matches(h *hashKind, prepared string) bool {
	stored, _, err := h.keyPair(prepared, k.Salt, k.Iterations)
	if err != nil {
		return false
	}
	return subtle.ConstantTimeCompare(stored, k.StoredKey)|subtle.ConstantTimeCompare(stored, k.CompatStoredKey) == 1
}

// Decoy makes the credentials that an unknown user seems to have: the same
// for the same secret, user and iteration count, of the same shape as what
// Derive makes, and matched by no password. Whoever asks twice, or asks for a
// hundred names, cannot tell them from an account. A server of several domains
// gives the whole address as user. The secret must stay the same over restarts,
// or the change itself gives decoys away; for the same reason iterations should
// be what most accounts are stored with. Cheap (seven HMACs).
func Decoy(secret []byte, user string, iterations int) Credentials {
	d := newDecoy(secret, user, iterations)
	return Credentials{SHA1: d.keys(kindSHA1), SHA256: d.keys(kindSHA256)}
}

// decoy makes the keys of [Decoy], one hash function's at a time.
type decoy struct {
	key        []byte // of the user
	iterations int
}

func newDecoy(secret []byte, user string, iterations int) decoy {
	return decoy{kindSHA256.hmac(secret, []byte("xylem sasl decoy\x00"+user)), iterations}
}

// part is n bytes of what goes by that label.
func (d decoy) part(label string, h *hashKind, n int) []byte {
	return kindSHA256.hmac(d.key, []byte(label+h.label))[:n]
}

func (d decoy) keys(h *hashKind) Keys {
	k := d.shown(h)
	k.StoredKey, k.ServerKey = d.part("stored-", h, h.size), d.part("server-", h, h.size)
	return k
}

// shown is what a client sees of keys before it has proved anything. It is as
// long as keys, and must not be let decide whether a proof is right.
func (d decoy) shown(h *hashKind) Keys {
	nothing := make([]byte, h.size)
	return Keys{Iterations: d.iterations, Salt: d.part("salt-", h, SaltSize), StoredKey: nothing, ServerKey: nothing}
}
