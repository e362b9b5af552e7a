package tls_test

import (
	"crypto/tls"
	"io"
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

// TestTicketsRotate: a ticket is good while its key is held, seven more days on TLS
// 1.3 and five more times four hours on TLS 1.2, and then no longer.
func TestTicketsRotate(t *testing.T) {
	cert := newCertificate(t, "localhost")
	get := func(string) (*tls.Certificate, error) { return cert, nil }
	for name, version := range versions {
		every, held := 24*time.Hour, 8
		if version == tls.VersionTLS12 {
			every, held = 4*time.Hour, 6
		}
		t.Run(name, func(t *testing.T) {
			now := time.Unix(1_700_000_000, 0)
			for rotations := range 10 {
				tickets := xtls.NewTickets(now)
				scfg := xtls.ServerConfig(get, tickets)
				ccfg := clientConfig(version)
				ccfg.ClientSessionCache = &oneTicket{}
				resumes(t, ccfg, scfg)
				for i := range rotations {
					tickets.Rotate(now.Add(time.Duration(i+1)*every - time.Nanosecond)) // too early: nothing
					tickets.Rotate(now.Add(time.Duration(i+1) * every))
				}
				if got := resumes(t, ccfg, scfg); got != (rotations < held) {
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

// TestTicketTravelsWithWhatIsSaidNext: on TLS 1.3 the last step of a handshake has
// nothing to send, and the ticket goes in front of data, of an alert or of the answer
// to a KeyUpdate, in order.
func TestTicketTravelsWithWhatIsSaidNext(t *testing.T) {
	for _, c := range []struct {
		name string
		say  func(t *testing.T, server *xtls.Filter) []byte
		end  error
		want string
	}{
		{"data", func(t *testing.T, server *xtls.Filter) []byte { return encrypt(t, server, []byte("x")) }, nil, "x"},
		{"nothing", func(t *testing.T, server *xtls.Filter) []byte { return encrypt(t, server, nil) }, nil, ""},
		{"close_notify", func(_ *testing.T, server *xtls.Filter) []byte { return server.CloseNotify(nil) }, io.EOF, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			ccfg, cache := clientConfig(tls.VersionTLS13), &oneTicket{}
			ccfg.ClientSessionCache = cache
			client, server := xtls.Client(ccfg), xtls.Server(serverConfig(t))
			defer client.Close()
			defer server.Close()
			toServer, _, err := client.Step(nil)
			if err != nil {
				t.Fatal(err)
			}
			for done := false; !done; {
				var toClient []byte
				if toClient, done, err = server.Step(toServer); err != nil {
					t.Fatal(err)
				}
				if done {
					if len(toClient) > 0 || server.Pending() != nil {
						t.Fatal("the ticket is sent by itself")
					}
				} else if toServer, _, err = client.Step(toClient); err != nil {
					t.Fatal(err)
				}
			}
			expect(t, client, c.say(t, server), []byte(c.want), c.end)
			if cache.session == nil {
				t.Error("no ticket has come")
			}
			if c.end == nil {
				expect(t, server, encrypt(t, client, []byte("y")), []byte("y"))
				expect(t, client, encrypt(t, server, []byte("z")), []byte("z"))
			}
		})
	}
}

// TestTicketAndAnswerToKeyUpdate: what must be sent at once takes the ticket along.
func TestTicketAndAnswerToKeyUpdate(t *testing.T) {
	client, server, f := forgedPair(t, tls.VersionTLS13, true)
	expect(t, server, f.record(typeData, []byte("x")), []byte("x"))
	if server.Pending() != nil {
		t.Fatal("the ticket is sent by itself")
	}
	expect(t, server, f.record(typeHandshake, keyUpdateWanted), nil)
	out := server.Pending()
	if out == nil {
		t.Fatal("no answer is pending")
	}
	expect(t, client, out, nil)
	expect(t, client, encrypt(t, server, []byte("y")), []byte("y"))
}
