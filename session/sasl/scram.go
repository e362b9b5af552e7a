package sasl

import (
	"crypto/subtle"
	"encoding/base64"
	"strconv"
	"strings"
)

// scramServer is what SCRAM keeps between the two messages of the client.
type scramServer struct {
	hash     *hashKind
	plus     bool
	known    bool   // false: keys are a decoy's and no proof will do
	keys     *Keys  // the account's, or what is shown of a decoy's
	expected []byte // what "c=" must decode to: gs2 header and binding data
	nonce    []byte // client's and server's part
	auth     []byte // AuthMessage as far as it is known, RFC 5802 §3
}

func scramMechanism(name string) (h *hashKind, plus, ok bool) {
	name, plus = strings.CutSuffix(name, "-PLUS")
	switch name {
	case SCRAMSHA1:
		return kindSHA1, plus, true
	case SCRAMSHA256:
		return kindSHA256, plus, true
	}
	return nil, false, false
}

// scramFirst takes client-first-message.
func (e *Exchange) scramFirst(msg []byte) Step {
	m, err := parseClientFirst(msg)
	if err != nil {
		return e.end(malformed("malformed SCRAM message"))
	}
	binding, step, ok := e.bindingFor(m.flag, m.binding)
	if !ok {
		return e.end(step)
	}
	if step, ok := e.identify(m.username, m.authzid); !ok {
		return step
	}
	serverNonce := randomNonce
	if e.cfg.Nonce != nil {
		serverNonce = e.cfg.Nonce
	}
	s := &e.scram
	s.expected = append(append(make([]byte, 0, len(m.gs2Header)+len(binding)), m.gs2Header...), binding...)
	s.nonce = append(append(make([]byte, 0, len(m.nonce)+24), m.nonce...), serverNonce()...)
	s.auth = append(make([]byte, 0, len(m.bare)+256), m.bare...)
	e.state = awaitCredentials
	return Step{Kind: NeedCredentials}
}

// bindingFor holds the client's gs2 flag against the mechanism and returns the
// channel binding data that its "c=" must carry, RFC 5802 §6.
func (e *Exchange) bindingFor(flag byte, name string) (data []byte, s Step, ok bool) {
	if e.scram.plus != (flag == 'p') {
		return nil, malformed("channel binding flag does not fit the mechanism"), false
	}
	switch flag {
	case 'y':
		if e.cfg.PlusOffered {
			// The client can bind and believes we cannot: the list was changed under way.
			return nil, failure(CondNotAuthorized, "channel binding was offered; the list of mechanisms was tampered with"), false
		}
	case 'p':
		if data := dataOf(e.cfg.Bindings, name); len(data) > 0 {
			return data, Step{}, true
		}
		return nil, malformed("unsupported channel binding type"), false
	}
	return nil, Step{}, true
}

// scramChallenge makes server-first-message out of the stored keys, or out of
// a decoy. The decoy is made in either case: the work stays the same.
func (e *Exchange) scramChallenge(c *Credentials) Step {
	s := &e.scram
	decoy := newDecoy(e.cfg.DecoySecret, e.cfg.decoyName(e.username), e.cfg.iterations()).shown(s.hash)
	s.keys = &decoy
	if c != nil && s.hash.of(c).usable(s.hash) {
		s.keys, s.known = s.hash.of(c), true
	}
	k := s.keys
	out := make([]byte, 0, len(s.nonce)+base64.StdEncoding.EncodedLen(len(k.Salt))+72)
	out = append(append(out, "r="...), s.nonce...)
	out = base64.StdEncoding.AppendEncode(append(out, ",s="...), k.Salt)
	out = strconv.AppendInt(append(out, ",i="...), int64(k.Iterations), 10)
	if len(e.cfg.Advertised) > 0 {
		out = append(out, ",h="...)
		out = base64.StdEncoding.AppendEncode(out, s.hash.downgradeHash(e.cfg.Advertised, bindingTypes(e.cfg.Bindings)))
	}
	s.auth = append(append(append(s.auth, ','), out...), ',')
	e.state = awaitFinal
	return Step{Kind: Challenge, Data: out}
}

// scramFinal takes client-final-message and checks, in this order, its
// syntax, the nonce, the channel binding and the proof.
func (e *Exchange) scramFinal(msg []byte) Step {
	s := &e.scram
	m, err := parseClientFinal(msg)
	switch {
	case err != nil:
		return e.end(malformed("malformed SCRAM message"))
	case len(m.proof) != s.hash.size:
		return e.end(malformed("proof has the wrong length"))
	case subtle.ConstantTimeCompare(m.nonce, s.nonce) != 1:
		return e.end(failure(CondNotAuthorized, "nonce does not match"))
	case subtle.ConstantTimeCompare(m.binding, s.expected) != 1:
		return e.end(failure(CondNotAuthorized, "channel binding does not match"))
	}
	s.auth = append(s.auth, m.withoutProof...)
	k := s.keys
	main := s.proves(k.StoredKey, m.proof)
	serverKey := k.ServerKey
	if len(k.CompatStoredKey) == s.hash.size && s.proves(k.CompatStoredKey, m.proof) {
		main, serverKey = true, k.CompatServerKey
	}
	if !main || !s.known {
		return e.end(failure(CondNotAuthorized, ""))
	}
	signature := s.hash.hmac(serverKey, s.auth)
	data := base64.StdEncoding.AppendEncode([]byte("v="), signature)
	return e.end(Step{Kind: Success, Data: data})
}

// proves tells whether the client that made proof has the key that storedKey
// is the hash of.
func (s *scramServer) proves(storedKey, proof []byte) bool {
	clientKey := s.hash.hmac(storedKey, s.auth)
	subtle.XORBytes(clientKey, clientKey, proof)
	return subtle.ConstantTimeCompare(s.hash.sum(clientKey), storedKey) == 1
}
