package tls

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"sync/atomic"
	"time"
)

const (
	// ticketKeyTime is for how long one key makes new tickets.
	ticketKeyTime = 4 * time.Hour
	// ticketKeys is how many keys are held: those before the newest still open what
	// they made, so a ticket is good for 20 to 24 hours.
	ticketKeys = 6
)

// Tickets seals the session tickets of any number of Configs with the same keys,
// so that a client resumes on whatever listener and loop it meets. The keys are
// random, live in memory only and are replaced every four hours; whoever steals
// one cannot read past connections, as resumption makes an ephemeral key exchange
// of its own (RFC 8446 §2.2). On TLS 1.2 there is none: there, who has the key of a
// ticket can read the connection. Safe for concurrent use.
type Tickets struct {
	keeper tls.Config // only its ticket keys are used
	next   atomic.Int64
	keys   [][32]byte // the newest first; Rotate only
}

// NewTickets makes the first key at now.
func NewTickets(now time.Time) *Tickets {
	t := &Tickets{}
	t.Rotate(now)
	return t
}

// Rotate replaces the key when its time is over at now; otherwise it costs nothing.
// To be called again and again, by one goroutine.
func (t *Tickets) Rotate(now time.Time) {
	if now.UnixNano() < t.next.Load() {
		return
	}
	var key [32]byte
	_, _ = rand.Read(key[:]) // never fails: it ends the process instead
	t.keys = append([][32]byte{key}, t.keys[:min(len(t.keys), ticketKeys-1)]...)
	t.keeper.SetSessionTicketKeys(t.keys)
	t.next.Store(now.Add(ticketKeyTime).UnixNano())
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
		return t.keeper.EncryptTicket(cs, ss)
	}
	cfg.UnwrapSession = func(identity []byte, cs tls.ConnectionState) (*tls.SessionState, error) {
		ss, err := t.keeper.DecryptTicket(identity, cs)
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
