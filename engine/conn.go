package engine

import (
	"errors"
	"net"

	"github.com/valyala/bytebufferpool"

	xtls "github.com/xylem-im/xylem/engine/tls"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/xep"
)

// conn is one connection: a transport, perhaps TLS, and the session on top.
// It belongs to one loop for its whole life. What only few connections have, or
// for a short time, is in rare: there are a million of these. Make it with newConn.
// Loop only.
//
// What a message to the client needs are the first line of the cache and the beginning of
// the session: with a million connections each line is waited for.
type conn struct {
	loop      *loop
	transport transport
	tls       *xtls.Filter // nil in the clear
	out       *outList     // what this turn writes; nil when nothing
	*rare                  // read it freely; see more

	armed      uint32   // the tick at which the wheel calls; 0: never
	marks      xep.Mark // what the routing table says of the session
	lap        bool     // see wheel
	listener   uint8    // see Engine.listenerOf
	phase      phase
	handshaken bool // the handshake is over and was counted
	touched    bool // in loop.dirty: flush at the end of the turn
	entered    bool // in the routing table
	stepping   bool // a handshake step runs on a worker
	paused     bool // the transport is not read
	throttled  bool // input waits in partial until paidTo, see pace
	stalled    bool // input waits in partial until the peer has read, see behindTooFar

	session session.Session

	slot, generation     uint32
	paidTo               int64                      // what the client has sent takes until then, Unix nanoseconds; see pace
	partial              *bytebufferpool.ByteBuffer // input that was not consumed yet; nil most of the time
	receipts             *receipts                  // of what the client has not acknowledged; nil: none
	wheelNext, wheelPrev *conn                      // see wheel
}

// rare is what most connections do without. They share one that is empty and is
// never written to: who writes asks for more.
type rare struct {
	peer      *peer          // another server's stream, instead of a session
	component *componentConn // a component's, the same
	zip       *compression

	backlog  backlog   // what the peer has not taken
	awaiting []*parcel // those whose acknowledgement is waited for, oldest first
	parcels  *parcel   // those that wait for the backlog

	// Of a connection that comes to its end or is resumed.
	lingerTo           int64           // when it is cut (phaseClosing) or its session ends (phaseDetached), Unix nanoseconds; there 0: it is in loop.overdue
	resumer            *resumption     // the connection that is to have the session; nil: none
	movedTo, movedFrom routing.Mailbox // phaseMoved: who has the transport; and on its side

	blocked  bool // the backlog waits for room
	shut     bool // our side of the transport is closed
	notified bool // close_notify was sent
	saving   bool // on its way into the store, for the time after a restart
	unstored bool // what is held for the client could not be stored
}

// newConn makes a connection without a slot.
func (l *loop) newConn(t transport) *conn { return &conn{loop: l, transport: t, rare: &l.none} }

// more is rare to be written to.
func (c *conn) more() *rare {
	if c.rare == &c.loop.none {
		c.rare = &rare{}
	}
	return c.rare
}

// less gives rare back once there is nothing in it.
func (c *conn) less() {
	r := c.rare
	if r != &c.loop.none && r.isEmpty() {
		c.rare = &c.loop.none
	}
}

func (r *rare) isEmpty() bool {
	return r.peer == nil && r.component == nil && r.zip == nil && r.backlog.size() == 0 && r.awaiting == nil && r.parcels == nil &&
		r.lingerTo == 0 && r.resumer == nil && r.movedTo == 0 && r.movedFrom == 0 &&
		!r.blocked && !r.shut && !r.notified && !r.saving && !r.unstored
}

// phase is what a connection's input means.
type phase uint8

const (
	phaseStream    phase = iota // XML, in TLS when conn.tls is set
	phaseHandshake              // TLS handshake
	phaseClosing                // our side is closed; input is thrown away
	phaseDetached               // no transport; the session waits for a resumption
	phaseMoved                  // the in-process transport belongs to movedTo
	phaseClosed                 // nothing may be touched any more
)

// Errors that end a session beside stream errors.
var (
	// ErrPeerClosed: the connection ended without </stream:stream>.
	ErrPeerClosed = errors.New("engine: connection closed by the peer")
	// ErrSlowConsumer: more than Limits.OutboundBytes waited for the peer.
	ErrSlowConsumer = errors.New("engine: peer reads too slowly")
	// ErrSilent: the peer said nothing for Limits.PingTime when asked for a sign of life.
	ErrSilent = errors.New("engine: no sign of life from the peer")
	// ErrInboundBound: more than Limits.InboundBytes came while the session waited.
	ErrInboundBound = errors.New("engine: peer sent too much while its session waited")
	// ErrHandshake: the TLS handshake failed.
	ErrHandshake = errors.New("engine: TLS handshake failed")
	// ErrDirty: the TLS stream is broken or was cut off.
	ErrDirty = errors.New("engine: TLS stream broken")
)

func (c *conn) mailbox() routing.Mailbox { return mailboxOf(c.loop.index, c.slot, c.generation) }

// info describes the session to hooks.
func (c *conn) info() SessionInfo {
	return SessionInfo{JID: c.session.JID(), Remote: c.transport.remote(), TLS: c.tls != nil}
}

// addrString is the peer's address for the log.
func addrString(a net.Addr) string {
	if a == nil {
		return "in-process"
	}
	return a.String()
}
