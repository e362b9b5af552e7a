package s2s

import (
	"io"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
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
	AnswerTime    int64 // nanoseconds that it has for one, and for each db:result and db:verify; else the stream is lost
	Pairs         int   // proved on one stream, or waiting for that, at most; one more is refused

	// Manage has stream management (XEP-0198) used with peers that offer it.
	// UnackedBytes and UnackedStanzas bound what waits for an acknowledgement; a
	// stream that passes one is closed, and what waited goes to the next.
	Manage                       bool
	UnackedBytes, UnackedStanzas int
}

// Stream is one XML stream with another server. Begin it with Accept or
// Connect. Loop only.
type Stream struct {
	cfg    *Config
	stream parser.Stream
}

// Accept begins a stream that the peer opens. direct: the connection is inside
// TLS from its first byte, and SetSecured comes first.
func (s *Stream) Accept(cfg *Config, direct bool, now int64) {}

// Connect begins a stream of our own to p.Remote in the name of p.Local, which
// is the first pair to be proved. With direct the header waits for SetSecured.
// forVerify: the stream is made to ask dialback questions only, and no pair is
// to be proved until Request.
func (s *Stream) Connect(cfg *Config, p Pair, direct, forVerify bool, now int64, out *Out) {}

// Outgoing tells whether Connect began it.
func (s *Stream) Outgoing() bool { return false }

// ID is the stream id; "" before the headers were exchanged.
func (s *Stream) ID() string { return "" }

// To is the local domain that an incoming stream's header was for, and from is
// who it said it is; "" before.
func (s *Stream) Domains() (to, from string) { return "", "" }

// SetSecured tells that the TLS handshake is done.
func (s *Stream) SetSecured(now int64, sec *Security, out *Out) {}

// Feed takes what the peer sent: in must begin with what earlier calls did not
// consume. It handles one element at most and returns the bytes consumed; 0
// means that more input is needed, or that the stream is closed.
func (s *Stream) Feed(now int64, in []byte, out *Out) (n int) { return 0 }

// Deliver takes a stanza rendered for a stream of jabber:client (see
// stanza.AppendForward) that goes from p.Local to p.Remote, for which the stream
// is ready. Out.Pass tells that it is to be written as it is; else it was
// written to Bytes as jabber:server, or the stream has ended: then it is false.
func (s *Stream) Deliver(now int64, p Pair, st []byte, out *Out) (taken bool) { return false }

// Ready tells whether Deliver takes stanzas of p.
func (s *Stream) Ready(p Pair) bool { return false }

// Request has one more pair proved on a stream of ours; false when that cannot
// be done here and a stream of its own is needed. The answer is an EventReady
// or EventRefused.
func (s *Stream) Request(now int64, p Pair, out *Out) bool { return false }

// Ask sends a dialback question as soon as the stream can carry one. The answer
// is an EventVerified; when the stream ends before, none comes.
func (s *Stream) Ask(now int64, v Verify, out *Out) {}

// Verified answers an EventVerify of this stream. err goes with Failed.
func (s *Stream) Verified(now int64, v Verify, result Verdict, err error, out *Out) {}

// Unacked calls yield for each stanza given to Deliver that the peer has not
// acknowledged, oldest first, as rendered; also after the stream has ended,
// until Release. Empty without stream management.
func (s *Stream) Unacked(yield func(p Pair, st []byte) bool) {}

// Deadline is when Tick wants to be called, Unix nanoseconds; 0: never.
func (s *Stream) Deadline() int64 { return 0 }

// Tick acts on deadlines. The engine calls it at Deadline or later.
func (s *Stream) Tick(now int64, out *Out) {}

// Fail ends the stream with a stream error (RFC 6120 §4.9). The header is sent
// first when the peer has not seen one yet.
func (s *Stream) Fail(e stanza.StreamError, out *Out) {}

// End closes our side of the stream properly (RFC 6120 §4.4), because of reason.
func (s *Stream) End(reason error, out *Out) {}

// Closed tells whether the stream has ended.
func (s *Stream) Closed() bool { return false }

// Release gives parser memory back to the loop. The last call on a stream.
func (s *Stream) Release(out *Out) {}
