package tls_test

import (
	"crypto/tls"
	"testing"
	"time"

	xtls "github.com/xylem-im/xylem/engine/tls"
)

// oneTicket is a client's cache that offers its newest ticket to everybody.
type oneTicket struct{ session *tls.ClientSessionState }

func (c *oneTicket) Get(string) (*tls.ClientSessionState, bool) { return c.session, c.session != nil }

func (c *oneTicket) Put(_ string, s *tls.ClientSessionState) { c.session = s }

// resumes connects once and tells whether a ticket was taken.
func resumes(t *testing.T, ccfg, scfg *tls.Config) bool {
	t.Helper()
	client, server := xtls.Client(ccfg), xtls.Server(scfg)
	defer client.Close()
	defer server.Close()
	shake(t, client, server, 0)
	s, c := server.Info(), client.Info()
	if s.Resumed != c.Resumed {
		t.Fatalf("resumed: %v for the server, %v for the client", s.Resumed, c.Resumed)
	}
	expect(t, client, encrypt(t, server, []byte("x")), []byte("x")) // takes the ticket in
	return s.Resumed
}

// TestTicketsAreShared: a ticket of one Config opens another that has the same
// Tickets, and none that has others, or none.
func TestTicketsAreShared(t *testing.T) {
	cert := newCertificate(t, "localhost")
	get := func(string) (*tls.Certificate, error) { return cert, nil }
	for name, version := range versions {
		t.Run(name, func(t *testing.T) {
			now := time.Unix(1_700_000_000, 0)
			tickets := xtls.NewTickets(now)
			direct, starttls := xtls.ServerConfig(get, tickets, xtls.ALPNClient), xtls.ServerConfig(get, tickets)
			ccfg := clientConfig(version)
			ccfg.ClientSessionCache = &oneTicket{}
			for i, c := range []struct {
				cfg  *tls.Config
				want bool
			}{{direct, false}, {starttls, true}, {direct, true}, {xtls.ServerConfig(get, xtls.NewTickets(now)), false}, {xtls.ServerConfig(get, nil), false}} {
				if got := resumes(t, ccfg, c.cfg); got != c.want {
					t.Errorf("connection %d resumed: %v", i, got)
				}
			}
		})
	}
}

// TestTicketsRotate: a ticket is good while its key is held, five more times four
// hours, and then no longer.
func TestTicketsRotate(t *testing.T) {
	cert := newCertificate(t, "localhost")
	get := func(string) (*tls.Certificate, error) { return cert, nil }
	for name, version := range versions {
		t.Run(name, func(t *testing.T) {
			now := time.Unix(1_700_000_000, 0)
			for rotations := range 9 {
				tickets := xtls.NewTickets(now)
				scfg := xtls.ServerConfig(get, tickets)
				ccfg := clientConfig(version)
				ccfg.ClientSessionCache = &oneTicket{}
				resumes(t, ccfg, scfg)
				for i := range rotations {
					tickets.Rotate(now.Add(time.Duration(i+1)*4*time.Hour - time.Nanosecond)) // too early: nothing
					tickets.Rotate(now.Add(time.Duration(i+1) * 4 * time.Hour))
				}
				if got := resumes(t, ccfg, scfg); got != (rotations < 6) {
					t.Errorf("after %d rotations resumed: %v", rotations, got)
				}
				if !resumes(t, ccfg, scfg) {
					t.Errorf("after %d rotations the new ticket is not taken", rotations)
				}
			}
		})
	}
}

// TestTicketOfAnotherDomain is not taken, whether the two have one certificate or
// two.
func TestTicketOfAnotherDomain(t *testing.T) {
	both, a, b := newCertificate(t, "a.example", "b.example"), newCertificate(t, "a.example"), newCertificate(t, "b.example")
	for name, version := range versions {
		for kind, get := range map[string]xtls.GetCertificate{
			"one certificate": func(string) (*tls.Certificate, error) { return both, nil },
			"two certificates": func(name string) (*tls.Certificate, error) {
				return map[string]*tls.Certificate{"a.example": a, "b.example": b}[name], nil
			},
		} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				scfg := xtls.ServerConfig(get, xtls.NewTickets(time.Now()))
				cache := &oneTicket{}
				to := func(domain string) *tls.Config {
					ccfg := clientConfig(version)
					ccfg.ServerName, ccfg.ClientSessionCache = domain, cache
					return ccfg
				}
				for i, c := range []struct {
					domain string
					want   bool
				}{{"a.example", false}, {"a.example", true}, {"b.example", false}, {"b.example", true}, {"a.example", false}} {
					if got := resumes(t, to(c.domain), scfg); got != c.want {
						t.Errorf("connection %d, to %s, resumed: %v", i, c.domain, got)
					}
				}
			})
		}
	}
}
