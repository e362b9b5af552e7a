package component

import (
	"io"

	"github.com/xylem-im/xylem/parser"
)

// Config is shared by all streams of an engine and only read.
type Config struct {
	// Secret tells whether a prepared domain is one of a component, and with what
	// secret it proves that. It may be lent borrowed bytes. Safe for concurrent use.
	Secret func(domain string) (secret string, ok bool)
	// PingFrom is the address in whose name a component is asked for a sign of life.
	PingFrom func(domain string) string

	// Random makes stream ids; crypto/rand.Reader but in tests.
	Random io.Reader

	// PreAuth and Bound limit what is parsed before and after the handshake. nil:
	// the parser's defaults.
	PreAuth, Bound *parser.Limits

	HandshakeTime int64 // nanoseconds from Accept until the handshake is done; else connection-timeout. 0: no bound
	IdleTime      int64 // nanoseconds of silence until the component is pinged (XEP-0199); 0: never
	PingTime      int64 // nanoseconds that it has to send something then, else connection-timeout; 0: white space is sent, and nothing waited for
	ProbeTime     int64 // the same after Probe
}
