package session

import (
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/stanza"
)

// Out lists what the engine must do after a door was used, in this order:
// write Bytes, dispatch Stanza, start Op, start TLS, close. One Out serves all
// sessions of a loop; Reset prepares it for the next call.
type Out struct {
	// Scanner is the loop's parser memory. Set once by the engine.
	Scanner *parser.Scanner

	// Bytes to write to the peer. The engine may hand in a slice of length 0 to
	// be appended to. Owned by the engine after the call.
	Bytes []byte

	// Stanza to dispatch when HasStanza; then Feed asks for nothing else. valid until
	// the input of Feed changes or the next call of Feed on this loop.
	Stanza    Stanza
	HasStanza bool

	// Pass tells that the delivered stanza is to be written as it is, after Bytes.
	Pass bool
	// Held tells that the session keeps a copy of the delivered stanza for later.
	Held bool

	// Counted tells that the client is to acknowledge the delivered stanza: it has
	// the number Sent.
	Counted bool

	// Ask tells that Ask is to be called when all was written that the client gets
	// in this turn.
	Ask bool

	// Lost tells that the client is not there any more: the connection ends, and
	// the session waits for a resumption.
	Lost bool

	// Op to start; OpNone when there is none.
	Op Op

	// StartTLS: after Bytes are written the stream goes on inside TLS. Input
	// that follows in the clear must be thrown away (RFC 6120 §5.3.4).
	StartTLS bool

	// Compress: after Bytes are written the stream goes on compressed, in both
	// directions.
	Compress bool

	// Close: after Bytes are written the connection ends, because of Reason.
	Close  bool
	Reason error // nil: the peer closed its stream properly

	// Counts for the loop's statistics, which it takes and clears.
	Stanzas, StreamErrors       uint32
	AuthSuccesses, AuthFailures uint32

	scratch []byte    // canonical form of addresses that need preparation
	decoded []byte    // base64 content of SASL elements
	peek    peeker    // looks at what is delivered to inactive clients
	stores  AckStores // for what is unacknowledged
}

// Reset empties the lists for the next call; buf is where Bytes goes.
func (o *Out) Reset(buf []byte) {
	o.Bytes = buf
	o.HasStanza, o.Pass, o.Held = false, false, false
	if o.Op.Kind != OpNone { // it is large, and rare
		o.Op = Op{}
	}
	o.Counted, o.Ask, o.Lost = false, false, false
	o.StartTLS, o.Compress, o.Close, o.Reason = false, false, false, nil
}

// Stanza is a checked stanza of a bound client on its way to the dispatcher.
type Stanza struct {
	View stanza.View
	// To is the prepared addressee; the zero value when the stanza has none.
	To jid.View
}

// OpKind is what a session asks of the engine.
type OpKind uint8

// The operations. Each is answered through Complete, once.
const (
	OpNone        OpKind = iota
	OpCredentials        // look up what SCRAM needs for Local@Domain
	OpVerify             // check Password of Local@Domain
	OpBind               // enter the session under Local@Domain/Resource
	OpRegister           // make the account Local@Domain with Password
	OpResume             // find the session that the SM-ID Resume names; a failure only is answered
	OpToken              // read the record of the client Client of Local@Domain, see Token
	OpTokenPut           // change it as Token says
	OpUpgrade            // store Upgrade for Local@Domain
	OpStanza             // never in Out: a stanza is being handled, see Session.Wait
)

// Op is an operation; all its strings are owned copies.
type Op struct {
	Kind          OpKind
	Local, Domain string
	Resource      string // OpBind: prepared, or "" for one that the engine makes
	Client        string // OpBind: what the resources of this client end in (ClientIdent); "": it said no id. OpToken, OpTokenPut: the id
	Inline        uint32 // OpBind: bit n: Config.Inline[n] is asked for
	Password      string // OpVerify, OpRegister
	Resume        string // OpResume: the SM-ID
	H             uint32 // OpResume: what the client has handled
	Since         int64  // OpBind: when what the login rests on was asked for, Unix nanoseconds

	Token *TokenChange // OpTokenPut
	// Credentials are what the login rests on; OpTokenPut and OpUpgrade fail with
	// storage.ErrConflict when they are not those any more. nil: a token.
	Credentials *sasl.Credentials
	// Upgrade is Credentials with other keys, OpUpgrade.
	Upgrade *sasl.Credentials
}

// TokenChange replaces the stored record of a client; it fails with
// storage.ErrConflict when that is not Before any more.
type TokenChange struct {
	Before, After []byte // nil: there is none
	Durable       bool   // answered when it is on disk
}

// Result answers an Op.
type Result struct {
	// Err: the question could not be answered now. For OpBind, OpRegister and
	// OpResume it is what the client sees, a stanza.Error or anything else for
	// internal-server-error.
	Err error
	// Credentials answers OpCredentials; nil: no such account. With OpVerify it may
	// say by which the password was checked.
	Credentials *sasl.Credentials
	// Record answers OpToken; nil: there is none.
	Record []byte
	// OK answers OpVerify.
	OK bool
	// JID answers OpBind: the full JID that was entered.
	JID jid.JID
	// H goes with the error that answers OpResume, where it is known what was
	// handled of the client's stanzas.
	H *uint32
}
