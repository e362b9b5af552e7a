package engine_test

import (
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/engine"
	xtls "github.com/xylem-im/xylem/engine/tls"
	"github.com/xylem-im/xylem/session/sasl"
)

// onlyTLS is the usual server: no SASL in the clear.
func onlyTLS(cfg *engine.Config) { cfg.AllowPlaintext = false }

func mechanisms(features *node) (names []string) {
	for _, m := range features.child("mechanisms").Children {
		names = append(names, m.Text)
	}
	return names
}

func TestSTARTTLS(t *testing.T) {
	t.Parallel()
	s := serve(t, onlyTLS)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			c := s.connect(t, "tcp")
			f := c.open()
			if f.child("starttls").child("required").XMLName.Local != "required" || len(mechanisms(f)) != 0 {
				t.Errorf("features in the clear: %s", f)
			}
			if n := c.auth(sasl.SCRAMSHA1, saslSecret("alice")); n.child("encryption-required").XMLName.Space != nsSASL {
				t.Errorf("login in the clear: %s", n)
			}
			cfg := clientTLS("localhost")
			cfg.MinVersion, cfg.MaxVersion = version, version
			c.startTLS(cfg)
			f = c.open()
			if f.child("starttls").XMLName.Local != "" || strings.Join(mechanisms(f), " ") != "SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1 PLAIN" {
				t.Errorf("features inside TLS: %s", f)
			}
			c.authenticate("alice")
			c.bind("")
			c.chats(c, "inside")
		})
	}
}

func TestPlainInsideTLS(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*engine.Config){"authenticator": onlyTLS, "store": func(cfg *engine.Config) { onlyTLS(cfg); withStore(cfg) }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, change)
			if name == "store" {
				s.create(t, "alice@localhost")
			}
			c := s.connect(t, "tls")
			c.open()
			for _, cfg := range []sasl.ClientConfig{
				{Username: "alice", Password: "guess"}, {Username: "nobody", Password: "secret"},
			} {
				if n := c.auth(sasl.Plain, cfg); n.Inner != "<not-authorized/>" {
					t.Errorf("%s with %s: %s", cfg.Username, cfg.Password, n)
				}
			}
			if n := c.auth(sasl.Plain, saslSecret("Alice")); n.XMLName.Local != "success" {
				t.Fatalf("got %s", n)
			}
			c.open()
			c.bind("x")
			if c.jid != "alice@localhost/x" {
				t.Errorf("bound as %s", c.jid)
			}
		})
	}
}

// TestChannelBinding: RFC 9266, RFC 5929 §4, XEP-0440.
func TestChannelBinding(t *testing.T) {
	t.Parallel()
	s := serve(t, onlyTLS)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, mechanism := range []string{sasl.SCRAMSHA1Plus, sasl.SCRAMSHA256Plus} {
			for _, kind := range []string{sasl.TLSExporter, sasl.TLSServerEndPoint} {
				t.Run(strings.Join([]string{tls.VersionName(version), mechanism, kind}, "/"), func(t *testing.T) {
					t.Parallel()
					cfg := clientTLS("localhost")
					cfg.MinVersion, cfg.MaxVersion = version, version
					conn, err := tls.Dial("tcp", s.addr("tls"), cfg)
					if err != nil {
						t.Fatal(err)
					}
					c := newClient(t, conn)
					f := c.open()
					if !strings.Contains(f.Inner, "<channel-binding type='"+kind+"'/>") {
						t.Errorf("%s is not announced: %s", kind, f)
					}
					binding := bindingOf(t, conn, kind)
					wrong := saslSecret("alice")
					wrong.Binding = &sasl.Binding{Type: kind, Data: append([]byte{binding.Data[0] ^ 1}, binding.Data[1:]...)}
					if n := c.auth(mechanism, wrong); n.child("not-authorized").XMLName.Space != nsSASL {
						t.Fatalf("with the binding of another stream: %s", n)
					}
					right := saslSecret("alice")
					right.Binding = binding
					if n := c.auth(mechanism, right); n.XMLName.Local != "success" {
						t.Fatalf("got %s", n)
					}
					c.open()
					c.bind("")
				})
			}
		}
	}
}

func bindingOf(t *testing.T, conn *tls.Conn, kind string) *sasl.Binding {
	t.Helper()
	state := conn.ConnectionState()
	if kind == sasl.TLSServerEndPoint {
		return &sasl.Binding{Type: kind, Data: xtls.EndPoint(state.PeerCertificates[0])}
	}
	data, err := state.ExportKeyingMaterial("EXPORTER-Channel-Binding", []byte{}, 32)
	if err != nil {
		t.Fatal(err)
	}
	return &sasl.Binding{Type: kind, Data: data}
}

func TestAuthzid(t *testing.T) {
	t.Parallel()
	s := serve(t, onlyTLS)
	for authzid, want := range map[string]string{
		"alice@localhost": "success", "": "success", "bob@localhost": "failure",
		"alice@elsewhere.example": "failure", "localhost": "failure",
	} {
		for _, mechanism := range []string{sasl.Plain, sasl.SCRAMSHA256} {
			c := s.connect(t, "tls")
			c.open()
			cfg := saslSecret("alice")
			cfg.Authzid = authzid
			n := c.auth(mechanism, cfg)
			if n.XMLName.Local != want || (want == "failure" && n.child("invalid-authzid").XMLName.Space != nsSASL) {
				t.Errorf("%s as %q: %s", mechanism, authzid, n)
			}
		}
	}
}

var serverFirst = regexp.MustCompile(`^r=(.*),s=(.*),i=(\d+),h=[A-Za-z0-9+/=]+$`)

// TestUnknownUserLooksLikeAnother: neither what is said nor how it is built
// tells an account from a name that is none, also after a restart.
func TestUnknownUserLooksLikeAnother(t *testing.T) {
	t.Parallel()
	s := serve(t, withStore)
	s.create(t, "alice@localhost")
	// challenge is the salt and the number of iterations, and how long the nonce is.
	challenge := func(user, mechanism string) (salt, shape string) {
		c := s.connect(t, "tcp")
		c.open()
		c.send("%s", expand(authWith(mechanism, "{b64:n,,n="+user+",r=abcdefgh}")))
		data, err := base64.StdEncoding.DecodeString(c.expect("challenge").Text)
		m := serverFirst.FindStringSubmatch(string(data))
		if err != nil || m == nil {
			t.Fatalf("challenge %q", data)
		}
		c.send("%s", respondWith(encode([]byte("c=biws,r="+m[1]+",p=AAAAAAAAAAAAAAAAAAAAAAAAAAA="))))
		failure := c.expect("failure")
		return m[2], fmt.Sprint(len(m[1]), len(m[2]), m[3], failure.Inner)
	}
	for _, mechanism := range []string{sasl.SCRAMSHA1, sasl.SCRAMSHA256} {
		_, known := challenge("alice", mechanism)
		salt, unknown := challenge("nobody", mechanism)
		if known != unknown {
			t.Errorf("%s: an account gets %s, a name that is none %s", mechanism, known, unknown)
		}
		if again, _ := challenge("nobody", mechanism); again != salt {
			t.Errorf("%s: the salt of an unknown user changes", mechanism)
		}
		if other, _ := challenge("nobody2", mechanism); other == salt {
			t.Errorf("%s: two unknown users have one salt", mechanism)
		}
	}
}

// TestNothingFromBeforeTLSIsUsed: RFC 6120 §5.3.4 and §5.4.3.3.
func TestNothingFromBeforeTLSIsUsed(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for _, injected := range []string{
		"<auth xmlns='" + nsSASL + "' mechanism='FOO'/>",
		streamHeader + "<auth xmlns='" + nsSASL + "' mechanism='FOO'/>",
		"<message><body>half a sta",
	} {
		c := s.connect(t, "tcp")
		c.open()
		c.send("<starttls xmlns='%s'/>%s", nsTLS, injected)
		c.expect("proceed")
		conn := tls.Client(c.conn, clientTLS("localhost"))
		if err := conn.Handshake(); err != nil {
			t.Fatal(err)
		}
		c.use(conn)
		c.open() // features come first: nothing was answered before
		if n := c.auth(sasl.Plain, saslSecret("alice")); n.XMLName.Local != "success" {
			t.Errorf("after %q: %s", injected, n)
		}
	}
}

func TestDirectTLSAndALPN(t *testing.T) {
	t.Parallel()
	s := serve(t, onlyTLS)
	for _, c := range []struct {
		offer []string
		want  string
		ok    bool
	}{{[]string{"xmpp-client"}, "xmpp-client", true}, {nil, "", true}, {[]string{"h2", "xmpp-client"}, "xmpp-client", true},
		{[]string{"h2"}, "", false}, {[]string{"xmpp-server"}, "", false}} {
		cfg := clientTLS("localhost")
		cfg.NextProtos = c.offer
		conn, err := tls.Dial("tcp", s.addr("tls"), cfg)
		if (err == nil) != c.ok {
			t.Errorf("ALPN %q: %v", c.offer, err)
		}
		if err != nil {
			if !strings.Contains(err.Error(), "no application protocol") {
				t.Errorf("ALPN %q: %v, want the alert no_application_protocol", c.offer, err)
			}
			continue
		}
		if got := conn.ConnectionState().NegotiatedProtocol; got != c.want {
			t.Errorf("ALPN %q: %q was chosen", c.offer, got)
		}
		client := newClient(t, conn)
		client.open()
		client.authenticate("alice")
	}
}

func TestCertificateByDomain(t *testing.T) {
	t.Parallel()
	s := serve(t, func(cfg *engine.Config) {
		onlyTLS(cfg)
		cfg.Domains = []string{"localhost", "one.example", "two.example"}
	})
	for _, domain := range []string{"one.example", "two.example"} {
		if _, err := tls.Dial("tcp", s.addr("tls"), clientTLS(domain)); err != nil {
			t.Errorf("direct TLS to %s: %v", domain, err)
		}
		c := s.connect(t, "tcp")
		c.openTo(domain)
		c.startTLS(clientTLS(domain))

		// A client that sends no SNI has named the domain in its header.
		c = s.connect(t, "tcp")
		c.openTo(domain)
		conn := c.startTLS(&tls.Config{InsecureSkipVerify: true}) // the name is checked below
		if err := conn.ConnectionState().PeerCertificates[0].VerifyHostname(domain); err != nil {
			t.Errorf("STARTTLS without SNI: %v", err)
		}
	}
	cfg := clientTLS("localhost")
	cfg.ServerName = "nowhere.example"
	if _, err := tls.Dial("tcp", s.addr("tls"), cfg); err == nil {
		t.Error("a certificate for a name that has none")
	}
}

// TestRepeatedHandshakes: data that comes together with the end of the client's
// handshake is not lost, however the two meet.
func TestRepeatedHandshakes(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for range 100 {
		conn, err := net.Dial("tcp", s.addr("tls"))
		if err != nil {
			t.Fatal(err)
		}
		c := newClient(t, tls.Client(conn, clientTLS("localhost")))
		c.open() // the header leaves right behind the client's last flight
		_ = c.conn.Close()
	}
}
