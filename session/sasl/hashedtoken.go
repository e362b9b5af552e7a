package sasl

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
)

// Names of the Hashed Token mechanisms (draft-schmaus-kitten-sasl-ht-09), which
// FAST (XEP-0484) uses: one message with the hash of a token and, but for the
// last, of a channel binding.
const (
	HTExporter = "HT-SHA-256-EXPR" // tls-exporter
	HTUnique   = "HT-SHA-256-UNIQ" // tls-unique
	HTEndPoint = "HT-SHA-256-ENDP" // tls-server-end-point
	HTNone     = "HT-SHA-256-NONE"
)

// tokenMechanisms are those names, the best first, with their binding.
var tokenMechanisms = [...]struct{ name, binding string }{
	{HTExporter, TLSExporter}, {HTUnique, TLSUnique}, {HTEndPoint, TLSServerEndPoint}, {HTNone, ""},
}

// OfferTokens returns the mechanisms for tokens to announce on a stream inside
// TLS with these bindings, the best first.
func OfferTokens(bindings []Binding) []string {
	list := make([]string, 0, len(tokenMechanisms))
	for _, m := range tokenMechanisms {
		if _, ok := bindingData(bindings, m.binding); ok {
			list = append(list, m.name)
		}
	}
	return list
}

// bindingData finds the data of a type; none belong to the empty type.
func bindingData(bindings []Binding, typ string) ([]byte, bool) {
	if typ == "" {
		return nil, true
	}
	data := dataOf(bindings, typ)
	return data, len(data) > 0
}

// tokenBinding is the binding type of a mechanism for tokens; false when it is
// none.
func tokenBinding(mechanism string) (typ string, ok bool) {
	for _, m := range tokenMechanisms {
		if m.name == mechanism {
			return m.binding, true
		}
	}
	return "", false
}

// maxTokens is how many tokens of a client may be good at a time, XEP-0484 §5.1.
const maxTokens = 2

// tokenFirst takes the only message: authcid NUL hashed-token.
func (e *Exchange) tokenFirst(msg []byte) Step {
	authcid, hashed, ok := bytes.Cut(msg, []byte{0})
	switch {
	case !ok || len(authcid) == 0:
		return e.end(malformed("expected authcid NUL hashed token"))
	case len(hashed) != sha256.Size:
		return e.end(malformed("hashed token has the wrong length"))
	}
	if step, ok := e.identify(string(authcid), ""); !ok {
		return step
	}
	e.token.hashed = bytes.Clone(hashed)
	e.state = awaitTokens
	return Step{Kind: NeedTokens}
}

// Tokens answers NeedTokens with the tokens, two at most, that were given to the
// client for this mechanism; none for an unknown user or client, which costs the
// same. After Success, [Exchange.Token] says which it was. Whether that has
// expired is for the caller to check.
func (e *Exchange) Tokens(tokens []string) Step {
	if e.state != awaitTokens {
		return e.end(malformed("no tokens expected now"))
	}
	typ, _ := tokenBinding(e.mechanism)
	binding, ok := bindingData(e.cfg.Bindings, typ)
	if !ok {
		return e.end(malformed("unsupported channel binding type"))
	}
	var decoy [sha256.Size]byte
	found := -1
	for i := range maxTokens {
		key := decoy[:]
		if i < len(tokens) {
			key = []byte(tokens[i])
		}
		match := subtle.ConstantTimeCompare(e.token.hashed, hashToken(key, "Initiator", binding)) == 1
		if match && i < len(tokens) && found < 0 {
			found = i
		}
	}
	if found < 0 {
		return e.end(failure(CondNotAuthorized, ""))
	}
	e.token.found = found
	return e.end(Step{Kind: Success, Data: hashToken([]byte(tokens[found]), "Responder", binding)})
}

// Token is the index of the token that the client proved to have.
func (e *Exchange) Token() int { return e.token.found }

// hashedToken is what an exchange by a token keeps.
type hashedToken struct {
	hashed []byte
	found  int
}

func hashToken(token []byte, role string, binding []byte) []byte {
	return kindSHA256.hmac(token, append([]byte(role), binding...))
}
