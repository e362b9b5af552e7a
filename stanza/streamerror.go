package stanza

import (
	"errors"
	"strings"

	"github.com/xylem-im/xylem/parser"
)

// StreamCondition is the name of a stream error condition, RFC 6120 §4.9.3.
type StreamCondition string

// The conditions of RFC 6120 §4.9.3.
const (
	StreamBadFormat              StreamCondition = "bad-format"
	StreamBadNamespacePrefix     StreamCondition = "bad-namespace-prefix"
	StreamConflict               StreamCondition = "conflict"
	StreamConnectionTimeout      StreamCondition = "connection-timeout"
	StreamHostGone               StreamCondition = "host-gone"
	StreamHostUnknown            StreamCondition = "host-unknown"
	StreamImproperAddressing     StreamCondition = "improper-addressing"
	StreamInternalServerError    StreamCondition = "internal-server-error"
	StreamInvalidFrom            StreamCondition = "invalid-from"
	StreamInvalidNamespace       StreamCondition = "invalid-namespace"
	StreamInvalidXML             StreamCondition = "invalid-xml"
	StreamNotAuthorized          StreamCondition = "not-authorized"
	StreamNotWellFormed          StreamCondition = "not-well-formed"
	StreamPolicyViolation        StreamCondition = "policy-violation"
	StreamRemoteConnectionFailed StreamCondition = "remote-connection-failed"
	StreamReset                  StreamCondition = "reset"
	StreamResourceConstraint     StreamCondition = "resource-constraint"
	StreamRestrictedXML          StreamCondition = "restricted-xml"
	StreamSeeOtherHost           StreamCondition = "see-other-host"
	StreamSystemShutdown         StreamCondition = "system-shutdown"
	StreamUndefinedCondition     StreamCondition = "undefined-condition"
	StreamUnsupportedEncoding    StreamCondition = "unsupported-encoding"
	StreamUnsupportedFeature     StreamCondition = "unsupported-feature"
	StreamUnsupportedStanzaType  StreamCondition = "unsupported-stanza-type"
	StreamUnsupportedVersion     StreamCondition = "unsupported-version"
)

// StreamError ends a stream, RFC 6120 §4.9.
type StreamError struct {
	Condition StreamCondition
	Text      string // for people, in English; may be empty
	App       string // application-specific condition (RFC 6120 §4.9.4), one complete element; may be empty
}

// Error is "stream error CONDITION: TEXT".
func (e StreamError) Error() string {
	if e.Text == "" {
		return "stream error " + string(e.Condition)
	}
	return "stream error " + string(e.Condition) + ": " + e.Text
}

// Is matches another StreamError; empty fields of target match anything.
func (e StreamError) Is(target error) bool {
	t, ok := target.(StreamError)
	return ok &&
		(t.Condition == "" || t.Condition == e.Condition) &&
		(t.Text == "" || t.Text == e.Text)
}

// Append appends <stream:error/>; the prefix stream must be bound as the
// server binds it, RFC 6120 §4.9.2.
func (e StreamError) Append(dst []byte) []byte {
	cond := e.Condition
	if cond == "" {
		cond = StreamUndefinedCondition
	}
	dst = append(dst, "<stream:error>"...)
	dst = appendCondition(dst, NSStreams, string(cond), e.Text)
	dst = append(dst, e.App...)
	return append(dst, "</stream:error>"...)
}

// AsStreamError is err as a stream error: for an error of the parser the one that
// RFC 6120 names, whose terms it speaks; else internal-server-error without
// details, which are not the peer's business.
func AsStreamError(err error) StreamError {
	var pe *parser.Error
	if errors.As(err, &pe) {
		return StreamError{Condition: StreamCondition(pe.Condition), Text: pe.Detail}
	}
	return StreamError{Condition: StreamInternalServerError}
}

// PeerError is the reason of a stream that the peer has ended with a stream
// error.
type PeerError struct {
	Condition StreamCondition
	Text      string // the peer's explanation, 1024 bytes of it at most; may be empty
}

// Error is "the other side ended the stream: CONDITION: TEXT".
func (e PeerError) Error() string {
	text := "the other side ended the stream: " + string(e.Condition)
	if e.Text != "" {
		text += ": " + e.Text
	}
	return text
}

// ReadPeerError reads <stream:error/> as a peer has sent it. What names no
// condition is undefined-condition.
func ReadPeerError(f *parser.Frame) PeerError {
	const longest = 1024
	e := PeerError{Condition: StreamUndefinedCondition}
	for w := f.Element().Walk(); w.Next(); {
		switch x := w.Element(); {
		case string(x.Namespace()) != NSStreams:
		case string(x.Local()) == "text":
			text := x.AppendText(nil)
			e.Text = strings.ToValidUTF8(string(text[:min(len(text), longest)]), "")
		default:
			e.Condition = StreamCondition(x.Local())
		}
	}
	return e
}
