package s2s

import (
	"io"

	"github.com/xylem-im/xylem/parser"
)

// Config is shared by all streams of an engine and only read.
type Config struct {
	// Serves tells whether a prepared domain is served here. It may be lent
	// borrowed bytes as the string.
	Serves func(domain string) bool
	// Policy tells what holds for a remote domain. It may be lent borrowed bytes.
	Policy func(remote string) Policy

	// Secret is what dialback keys are made from (XEP-0185), at least 16 bytes; the
	// same for all engines that serve a domain.
	Secret []byte
	// Random makes stream ids; crypto/rand.Reader but in tests.
	Random io.Reader

	// PreAuth and Bound limit what is parsed before and after the first pair was
	// proved. nil: the parser's defaults.
	PreAuth, Bound *parser.Limits

	// Features are elements announced on streams that a pair was proved on.
	Features []byte

	NegotiateTime int64 // nanoseconds from the start until a first pair is proved; else connection-timeout
	IdleTime      int64 // nanoseconds without a stanza in either direction until the stream is closed; 0: never
	SilentTime    int64 // nanoseconds without a byte from the peer until it is asked for a sign of life; 0: never
	AnswerTime    int64 // nanoseconds that it has for one, and for each db:result, db:verify and request for an acknowledgement; else the stream is lost
	Pairs         int   // proved on one stream in one direction, or waiting for that, at most; one more is refused

	// OneWay neither offers nor asks for streams that carry stanzas in both
	// directions (XEP-0288).
	OneWay bool

	// Manage has stream management (XEP-0198) offered, and used with peers that
	// offer it. UnackedBytes and UnackedStanzas bound what waits for an
	// acknowledgement; a stream that has reached one is Full.
	Manage                       bool
	UnackedBytes, UnackedStanzas int
}
