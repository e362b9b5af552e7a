package sasl

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
)

var errSyntax = errors.New("sasl: malformed SCRAM message")

// strict refuses non-zero trailing bits, so that a value has one spelling.
var strict = base64.StdEncoding.Strict()

// decodeBase64 refuses what encoding/base64 would skip: line breaks.
func decodeBase64(s []byte) ([]byte, error) {
	if bytes.ContainsAny(s, "\r\n") {
		return nil, errSyntax
	}
	out := make([]byte, strict.DecodedLen(len(s)))
	n, err := strict.Decode(out, s)
	if err != nil {
		return nil, errSyntax
	}
	return out[:n], nil
}

// attribute takes one attribute off the front of b: prefix is its letter and
// "=", with the comma before it unless it is the first. rest begins with the
// next comma. An attribute that is missing, or another one in its place, is an
// error: RFC 5802 §5.1 fixes the order.
func attribute(b []byte, prefix string) (value, rest []byte, err error) {
	b, ok := bytes.CutPrefix(b, []byte(prefix))
	if !ok {
		return nil, nil, errSyntax
	}
	if i := bytes.IndexByte(b, ','); i >= 0 {
		return b[:i], b[i:], nil
	}
	return b, nil, nil
}

// checkExtensions checks the optional attributes at the end of a message, with
// the comma before them (RFC 5802 §7 "extensions"): each is a letter, "=" and a
// value, and none may be the reserved "m". Unknown ones are ignored, as §5.1
// asks.
func checkExtensions(b []byte) error {
	for len(b) > 0 {
		ext, _, _ := bytes.Cut(b[1:], []byte{','})
		if len(ext) < 3 || !isLetter(ext[0]) || ext[0] == 'm' || ext[1] != '=' || bytes.IndexByte(ext, 0) >= 0 {
			return errSyntax
		}
		b = b[1+len(ext):]
	}
	return nil
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// unescape decodes a saslname, RFC 5802 §5.1: "=2C" and "=3D" and no other
// use of "=", no comma, no NUL, not empty.
func unescape(b []byte) (string, error) {
	if len(b) == 0 || bytes.IndexByte(b, 0) >= 0 || bytes.IndexByte(b, ',') >= 0 {
		return "", errSyntax
	}
	if bytes.IndexByte(b, '=') < 0 {
		return string(b), nil
	}
	var sb strings.Builder
	for len(b) > 0 {
		before, after, found := bytes.Cut(b, []byte{'='})
		sb.Write(before)
		if !found {
			break
		}
		switch {
		case bytes.HasPrefix(after, []byte("2C")):
			sb.WriteByte(',')
		case bytes.HasPrefix(after, []byte("3D")):
			sb.WriteByte('=')
		default:
			return "", errSyntax
		}
		b = after[2:]
	}
	return sb.String(), nil
}

// appendEscaped appends s as a saslname.
func appendEscaped(dst []byte, s string) []byte {
	for i := range len(s) {
		switch s[i] {
		case ',':
			dst = append(dst, "=2C"...)
		case '=':
			dst = append(dst, "=3D"...)
		default:
			dst = append(dst, s[i])
		}
	}
	return dst
}

// isNonce tells whether b may stand after "r=": printable ASCII but no comma.
func isNonce(b []byte) bool {
	for _, c := range b {
		if c < '!' || c > '~' || c == ',' {
			return false
		}
	}
	return len(b) > 0
}

// clientFirst is the first message of SCRAM, RFC 5802 §7. The slices borrow
// the message and are valid only while it is.
type clientFirst struct {
	flag      byte   // 'n', 'y' or 'p'
	binding   string // with 'p': the channel binding type
	authzid   string
	gs2Header []byte // with its last comma
	bare      []byte
	username  string
	nonce     []byte
}

func parseClientFirst(msg []byte) (m clientFirst, err error) {
	flag, rest, ok := bytes.Cut(msg, []byte{','})
	switch {
	case !ok || len(flag) == 0:
		return m, errSyntax
	case flag[0] == 'p':
		if !bytes.HasPrefix(flag, []byte("p=")) || !isBindingName(flag[2:]) {
			return m, errSyntax
		}
		m.binding = string(flag[2:])
	case len(flag) != 1 || flag[0] != 'n' && flag[0] != 'y':
		return m, errSyntax
	}
	m.flag = flag[0]
	authzid, bare, ok := bytes.Cut(rest, []byte{','})
	if !ok {
		return m, errSyntax
	}
	if len(authzid) > 0 {
		if !bytes.HasPrefix(authzid, []byte("a=")) {
			return m, errSyntax
		}
		if m.authzid, err = unescape(authzid[2:]); err != nil {
			return m, err
		}
	}
	m.gs2Header, m.bare = msg[:len(msg)-len(bare)], bare
	// "m=" in front of the user name is a mandatory extension; as attribute
	// refuses whatever is not "n=", so it refuses that, RFC 5802 §5.1.
	name, rest, err := attribute(bare, "n=")
	if err != nil {
		return m, err
	}
	if m.username, err = unescape(name); err != nil {
		return m, err
	}
	nonce, extensions, err := attribute(rest, ",r=")
	if err != nil {
		return m, err
	}
	if !isNonce(nonce) || len(nonce) > maxNonce {
		return m, errSyntax
	}
	m.nonce = nonce
	return m, checkExtensions(extensions)
}

// isBindingName checks cb-name of RFC 5802 §7: letters, digits, "." and "-".
func isBindingName(b []byte) bool {
	for _, c := range b {
		if !isLetter(c) && (c < '0' || c > '9') && c != '.' && c != '-' {
			return false
		}
	}
	return len(b) > 0
}

// clientFinal is the second message of SCRAM. The slices borrow the message,
// but for binding and proof.
type clientFinal struct {
	binding      []byte // decoded: gs2 header and channel binding data
	nonce        []byte
	proof        []byte // decoded
	withoutProof []byte
}

func parseClientFinal(msg []byte) (m clientFinal, err error) {
	// The proof is the last attribute, and base64 has no comma.
	cut := bytes.LastIndex(msg, []byte(",p="))
	if cut < 0 {
		return m, errSyntax
	}
	m.withoutProof = msg[:cut]
	if m.proof, err = decodeBase64(msg[cut+3:]); err != nil {
		return m, err
	}
	binding, rest, err := attribute(m.withoutProof, "c=")
	if err != nil {
		return m, err
	}
	if m.binding, err = decodeBase64(binding); err != nil {
		return m, err
	}
	nonce, extensions, err := attribute(rest, ",r=")
	if err != nil {
		return m, err
	}
	m.nonce = nonce
	return m, checkExtensions(extensions)
}
