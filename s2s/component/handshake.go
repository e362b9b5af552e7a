package component

import (
	"bytes"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/hex"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// handshake checks the digest that proves the component, XEP-0114 §3.
func (s *Stream) handshake(f *parser.Frame, out *Out) {
	if string(f.Local()) != "handshake" || !isContent(f) {
		s.Fail(stanza.StreamError{Condition: stanza.StreamNotAuthorized, Text: "a handshake comes first"}, out)
		return
	}
	secret, ok := s.cfg.Secret(s.domain)
	if !ok { // removed since the header
		s.Fail(stanza.StreamError{Condition: stanza.StreamHostGone}, out)
		return
	}
	var want [2 * sha1.Size]byte
	sum := sha1.Sum([]byte(s.id + secret))
	hex.Encode(want[:], sum[:])
	got := bytes.TrimSpace(f.Element().AppendText(nil))
	if subtle.ConstantTimeCompare(got, want[:]) != 1 {
		s.Fail(stanza.StreamError{Condition: stanza.StreamNotAuthorized, Text: "the handshake does not fit the secret"}, out)
		return
	}
	s.state = stateProved
	out.Proved, out.Secret = true, secret
}

// isContent tells whether an element is in the stream's content namespace, by
// the header or by its own word.
func isContent(f *parser.Frame) bool {
	ns := f.Namespace()
	return string(ns) == stanza.NSClient || string(ns) == stanza.NSAccept
}
