package tls

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"sync/atomic"
	"time"
)

// Tickets seals the session tickets of any number of Configs with the same keys,
// so that a client resumes on whatever listener and loop it meets. The keys are
// random and live in memory only. Those of TLS 1.3 are replaced every day and held for
// the seven that crypto/tls tells clients a ticket is good for (RFC 8446 §4.6.1); whoever
// steals one cannot read past connections, as resumption makes an ephemeral key exchange
// of its own (§2.2). On TLS 1.2 there is none: there, who has the key of a ticket can
// read the connection, and keys are replaced every four hours and held for a day.
// Safe for concurrent use.
type Tickets struct{ tls13, tls12 ticketKeys }

// NewTickets makes the first keys at now.
func NewTickets(now time.Time) *Tickets {
	t := &Tickets{
		tls13: ticketKeys{every: 24 * time.Hour, held: 8},
		tls12: ticketKeys{every: 4 * time.Hour, held: 6},
	}
	t.Rotate(now)
	return t
}

// Rotate replaces the keys whose time is over at now; otherwise it costs nothing.
// To be called again and again, by one goroutine.
func (t *Tickets) Rotate(now time.Time) {
	t.tls13.rotate(now)
	t.tls12.rotate(now)
}

// of is the keys for a version of TLS.
func (t *Tickets) of(version uint16) *ticketKeys {
	if version == tls.VersionTLS13 {
		return &t.tls13
	}
	return &t.tls12
}

// ticketKeys is a key that makes new tickets and those before it, which still open
// what they made: a ticket is good for held-1 times every, and up to one more.
type ticketKeys struct {
	every  time.Duration
	held   int
	keeper tls.Config // only its ticket keys are used
	next   atomic.Int64
	keys   [][32]byte // the newest first; rotate only
}

func (k *ticketKeys) rotate(now time.Time) {
	if now.UnixNano() < k.next.Load() {
		return
	}
	var key [32]byte
	_, _ = rand.Read(key[:]) // never fails: it ends the process instead
	k.keys = append([][32]byte{key}, k.keys[:min(len(k.keys), k.held-1)]...)
	k.keeper.SetSessionTicketKeys(k.keys)
	k.next.Store(now.Add(k.every).UnixNano())
}

// use has cfg give out and take these tickets. A ticket is taken only for the name
// that it was made for, and while get returns the certificate that it was made
// under: so no domain's ticket opens another's, and tls-server-end-point is right
// on resumed connections.
func (t *Tickets) use(cfg *tls.Config, get GetCertificate) {
	if t == nil {
		cfg.SessionTicketsDisabled = true
		return
	}
	cfg.WrapSession = func(cs tls.ConnectionState, ss *tls.SessionState) ([]byte, error) {
		ss.Extra = append(ss.Extra, ticketMark(get, cs.ServerName))
		return t.of(cs.Version).keeper.EncryptTicket(cs, ss)
	}
	cfg.UnwrapSession = func(identity []byte, cs tls.ConnectionState) (*tls.SessionState, error) {
		ss, err := t.of(cs.Version).keeper.DecryptTicket(identity, cs)
		if err != nil || ss == nil {
			return nil, nil // not ours any more: a full handshake
		}
		mark := ticketMark(get, cs.ServerName)
		if len(mark) == 0 || len(ss.Extra) != 1 || !bytes.Equal(ss.Extra[0], mark) {
			return nil, nil
		}
		return ss, nil
	}
}

// ticketMark names the certificate and the domain in a ticket; empty if there is
// no certificate.
func ticketMark(get GetCertificate, serverName string) []byte {
	cert, err := get(serverName)
	if err != nil || cert == nil || len(cert.Certificate) == 0 {
		return nil
	}
	h := sha256.New()
	h.Write(cert.Certificate[0])
	h.Write([]byte(serverName))
	return h.Sum(nil)
}
