package sasl

import "bytes"

// plainFirst takes the only message of PLAIN, RFC 4616 §2:
// [authzid] NUL authcid NUL passwd, each but the authzid not empty.
func (e *Exchange) plainFirst(msg []byte) Step {
	if bytes.Count(msg, []byte{0}) != 2 {
		return e.end(malformed("expected authzid NUL authcid NUL passwd"))
	}
	authzid, rest, _ := bytes.Cut(msg, []byte{0})
	authcid, passwd, _ := bytes.Cut(rest, []byte{0})
	switch {
	case len(authcid) == 0:
		return e.end(malformed("empty user name"))
	case len(passwd) == 0:
		return e.end(malformed("empty password"))
	case len(passwd) > MaxPassword:
		return e.end(malformed("password too long"))
	}
	if step, ok := e.identify(string(authcid), string(authzid)); !ok {
		return step
	}
	e.state = awaitVerified
	return Step{Kind: NeedVerify, Password: string(passwd)}
}
