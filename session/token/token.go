// Package token keeps the tokens by which a client logs in again (FAST, XEP-0484
// version 0.2.0): what is stored of them, how they are made, and when they are
// replaced. Like all of the session it does no I/O and reads no clock.
//
// A token is not stored. It is derived from a key that the server keeps elsewhere
// and from what is stored of it: whom it is for, its mechanism, a nonce, and its
// end. Who has the store and not the key can make no token; who changes the store
// makes another token of one that is there. The Hashed Token mechanisms need the
// token itself to check a client's message, so a one-way form like SCRAM's keys
// is not to be had for those that bind to the channel.
package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"io"
)

// nonceSize is the length of a nonce in bytes.
const nonceSize = 16

// Token is one token that was given to a client.
type Token struct {
	Mechanism string // the only one that it may be used with, XEP-0484 §4.4
	Nonce     [nonceSize]byte
	Issued    int64  // Unix seconds
	Expires   int64  // Unix seconds; 0: there is no token
	Count     uint32 // the highest count that the client has told with it
}

// Exists tells whether there is a token.
func (t *Token) Exists() bool { return t.Expires != 0 }

// Record is what is stored of one client, for an account and the id of a user
// agent. New is the token that the client may not have received yet, Current the
// one that it has used (XEP-0484 §5.1).
type Record struct {
	Software, Device string // what the client says of itself
	Used             int64  // when it last logged in by a token, or got the first; Unix seconds, exact to usedStep
	New, Current     Token
}

// Expired tells whether neither token can be used at now, Unix seconds.
func (r *Record) Expired(now int64) bool { return r.New.Expires <= now && r.Current.Expires <= now }

// Expires is when the last of its tokens ends, Unix seconds.
func (r *Record) Expires() int64 { return max(r.New.Expires, r.Current.Expires) }

// Policy makes tokens. It is only read.
type Policy struct {
	Key      []byte // the server's, at least MinKey bytes
	Lifetime int64  // seconds
}

// MinKey is the least length of Policy.Key in bytes.
const MinKey = 32

const (
	// usedStep is how exactly the time of the last use is known, in seconds: not
	// each login is worth a write.
	usedStep = 24 * 3600
	// rotateAfter is the age in seconds from which a token is replaced, unless half
	// of its lifetime is less.
	rotateAfter = 24 * 3600
)

// Text is the token itself: 43 characters.
func (p *Policy) Text(account, client string, t *Token) string {
	mac := hmac.New(sha256.New, p.Key)
	for _, part := range []string{"xylem token", account, client, t.Mechanism} {
		mac.Write(append([]byte(part), 0))
	}
	b := binary.BigEndian.AppendUint64(t.Nonce[:], uint64(t.Issued))
	mac.Write(binary.BigEndian.AppendUint64(b, uint64(t.Expires)))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// due tells whether a token is to be replaced.
func (p *Policy) due(t *Token, now int64) bool {
	return now-t.Issued >= min(rotateAfter, p.Lifetime/2)
}

// issue puts a new token where it waits to be used. An earlier one that was never
// used is void.
func (p *Policy) issue(r *Record, mechanism string, now int64, random io.Reader) {
	r.New = Token{Mechanism: mechanism, Issued: now, Expires: now + p.Lifetime}
	if _, err := io.ReadFull(random, r.New.Nonce[:]); err != nil {
		panic("token: no random numbers: " + err.Error())
	}
}
