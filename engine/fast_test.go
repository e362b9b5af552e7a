package engine_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/memory"
	"github.com/xylem-im/xylem/xep/register"
)

// theFast is the <fast/> of a login by a token.
const theFast = "<fast xmlns='" + nsFAST + "'/>"

// want asks for a token for mechanism.
func want(mechanism string) string {
	return "<request-token xmlns='" + nsFAST + "' mechanism='" + mechanism + "'/>"
}

// giveToken logs in by the password, as client, and returns the token that it gets.
func (s *server) giveToken(t testing.TB, user, client, mechanism string) string {
	t.Helper()
	c, n := s.login2(t, user, agentOf(client)+want(mechanism))
	defer c.conn.Close()
	text := n.child("token").attr("token")
	if text == "" {
		t.Fatalf("got %s", n)
	}
	return text
}

// byToken connects by direct TLS and logs in by a token.
func (s *server) byToken(t testing.TB, user, client, mechanism, text, more string) (*client, *node) {
	t.Helper()
	c := s.connect(t, "tls")
	c.open()
	cc := sasl.ClientConfig{Username: user, Password: text}
	switch mechanism {
	case sasl.HTExporter:
		state := c.conn.(*tls.Conn).ConnectionState()
		key, err := state.ExportKeyingMaterial("EXPORTER-Channel-Binding", []byte{}, 32)
		if err != nil {
			t.Fatal(err)
		}
		cc.Binding = &sasl.Binding{Type: sasl.TLSExporter, Data: key}
	case sasl.HTEndPoint:
		cc.Binding = &sasl.Binding{Type: sasl.TLSServerEndPoint, Data: endPoint(c)}
	}
	return c, c.authenticate2(mechanism, cc, agentOf(client)+more)
}

// refused makes sure that a token is taken no more, and why.
func (s *server) refused(t testing.TB, user, client, mechanism, text, condition string) {
	t.Helper()
	c, n := s.byToken(t, user, client, mechanism, text, theFast)
	defer c.conn.Close()
	if n.XMLName.Local != "failure" || n.child(condition).XMLName.Space != nsSASL {
		t.Errorf("the token of %s is still good: %s", user, n)
	}
}

// TestFASTOverTLS: by each mechanism, one message logs in and binds, on every loop.
func TestFASTOverTLS(t *testing.T) {
	t.Parallel()
	s := serve(t, withStore)
	s.create(t, "alice@localhost")
	for _, mechanism := range []string{sasl.HTExporter, sasl.HTEndPoint, sasl.HTNone} {
		text := s.giveToken(t, "alice", phone, mechanism)
		for range 4 {
			c, n := s.byToken(t, "alice", phone, mechanism, text, theFast+bindWith("<tag>App</tag>"))
			if n.child("bound").XMLName.Local == "" || !strings.HasPrefix(c.jid, "alice@localhost/App/") || n.child("token").XMLName.Local != "" {
				t.Fatalf("%s: got %s", mechanism, n)
			}
			c.expect("features")
			c.chats(c, "x")
			_ = c.conn.Close()
		}
		c, n := s.byToken(t, "alice", phone, mechanism, text, "<fast xmlns='"+nsFAST+"' invalidate='1'/>")
		if n.XMLName.Local != "success" {
			t.Fatalf("%s: got %s", mechanism, n)
		}
		_ = c.conn.Close()
		s.refused(t, "alice", phone, mechanism, text, "credentials-expired")
	}
}

// TestTokensEnd with the password, whoever changes it, with the account, and by the
// operator; those of others stay.
func TestTokensEnd(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	alice := jid.MustParse("alice@localhost")
	for name, end := range map[string]func(*testing.T, *server){
		"password changed by the operator": func(t *testing.T, s *server) {
			if err := s.Accounts().SetPassword(ctx, alice, "secret"); err != nil {
				t.Fatal(err)
			}
		},
		"password changed by the client": func(t *testing.T, s *server) {
			c := s.login(t, "tls", "alice", "changes")
			c.send("<iq type='set' id='p'><query xmlns='%s'><username>alice</username><password>secret</password></query></iq>", register.NS)
			if n := c.expect("iq"); n.attr("type") != "result" {
				t.Fatalf("got %s", n)
			}
			c.expectNothing() // this session goes on
		},
		"account deleted and made anew": func(t *testing.T, s *server) {
			if err := s.Accounts().Delete(ctx, alice); err != nil {
				t.Fatal(err)
			}
			s.create(t, "alice@localhost")
		},
		"revoked": func(t *testing.T, s *server) {
			if n, err := s.Accounts().RevokeTokens(ctx, alice, ""); n != 2 || err != nil {
				t.Fatalf("%d, %v", n, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(cfg *engine.Config) {
				withStore(cfg)
				cfg.Extensions = register.Register
			})
			s.create(t, "alice@localhost", "bob@localhost")
			first, second := s.giveToken(t, "alice", phone, sasl.HTNone), s.giveToken(t, "alice", tablet, sasl.HTExporter)
			bobs := s.giveToken(t, "bob", phone, sasl.HTNone)
			by, _ := s.byToken(t, "alice", phone, sasl.HTNone, first, theFast+bindWith(""))
			by.expect("features")
			resumable, n := s.login2(t, "alice", bindWith("<enable xmlns='"+nsManage+"' resume='true'/>"))
			resumable.expect("features")
			id := n.child("bound").child("enabled").attr("id")
			_ = resumable.conn.Close()
			s.waitDetached(t, 1)

			end(t, s)

			if condition := map[bool]string{true: "not-authorized", false: "reset"}[strings.HasPrefix(name, "account")]; true {
				by.expectStreamError(condition)
			}
			s.waitDetached(t, 0)
			s.refused(t, "alice", phone, sasl.HTNone, first, "credentials-expired")
			s.refused(t, "alice", tablet, sasl.HTExporter, second, "credentials-expired")
			if c, n := s.byToken(t, "bob", phone, sasl.HTNone, bobs, theFast); n.XMLName.Local != "success" {
				t.Errorf("%s: got %s", c.jid, n)
			}
			late, n := s.login2(t, "alice", "<resume xmlns='"+nsManage+"' previd='"+id+"' h='0'/>"+bindWith(""))
			if n.child("failed").child("item-not-found").XMLName.Local == "" {
				t.Errorf("%s: got %s", late.jid, n)
			}
		})
	}
}

// TestLoginBegunBeforeTheChange: an exchange that was begun with the old password
// comes to nothing, however late it ends.
func TestLoginBegunBeforeTheChange(t *testing.T) {
	t.Parallel()
	s := serve(t, withStore)
	s.create(t, "alice@localhost")
	for _, profile := range []string{"SASL", "SASL2", "authenticated"} {
		t.Run(profile, func(t *testing.T) {
			if err := s.Accounts().SetPassword(context.Background(), jid.MustParse("alice@localhost"), "secret"); err != nil {
				t.Fatal(err)
			}
			c := s.connect(t, "tls")
			c.open()
			ex, err := sasl.NewClient(sasl.SCRAMSHA256, saslSecret("alice"))
			if err != nil {
				t.Fatal(err)
			}
			old := profile != "SASL2"
			if old {
				c.send("%s", authWith(sasl.SCRAMSHA256, encode(ex.First())))
			} else {
				c.send("%s", with2(sasl.SCRAMSHA256, initial(encode(ex.First()))+bindWith("")))
			}
			answer, err := ex.Next(decode(t, c.expect("challenge").Text))
			if err != nil {
				t.Fatal(err)
			}
			change := func() {
				if err := s.Accounts().SetPassword(context.Background(), jid.MustParse("alice@localhost"), "secret"); err != nil {
					t.Fatal(err)
				}
			}
			if profile != "authenticated" {
				change()
			}
			if !old {
				c.send("%s", respond2(encode(answer)))
				if n := c.expect("success"); n.child("bound").XMLName.Local != "" {
					t.Errorf("got %s", n)
				}
				c.expect("features")
				c.expectStreamError("reset")
				return
			}
			c.send("%s", respondWith(encode(answer)))
			c.expect("success")
			c.dec = newDecoder(c)
			c.open()
			if profile == "authenticated" {
				change()
			}
			c.send("<iq type='set' id='b'><bind xmlns='%s'/></iq>", nsBind)
			if n := c.expect("iq"); n.attr("type") != "error" {
				t.Errorf("got %s", n)
			}
			c.expectStreamError("reset")
		})
	}
}

// TestTokenIsNotGivenAcrossAChange: a token that was asked for by the old password is
// not given, nor is the client let in.
func TestTokenIsNotGivenAcrossAChange(t *testing.T) {
	t.Parallel()
	s := serve(t, withStore)
	s.create(t, "alice@localhost")
	c := s.connect(t, "tls")
	c.open()
	ex, err := sasl.NewClient(sasl.SCRAMSHA256, saslSecret("alice"))
	if err != nil {
		t.Fatal(err)
	}
	c.send("%s", with2(sasl.SCRAMSHA256, initial(encode(ex.First()))+agentOf(phone)+want(sasl.HTNone)))
	answer, err := ex.Next(decode(t, c.expect("challenge").Text))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Accounts().SetPassword(context.Background(), jid.MustParse("alice@localhost"), "another"); err != nil {
		t.Fatal(err)
	}
	c.send("%s", respond2(encode(answer)))
	if n := c.expect("failure"); n.child("temporary-auth-failure").XMLName.Space != nsSASL {
		t.Errorf("got %s", n)
	}
	if list, err := s.Accounts().Tokens(context.Background(), jid.MustParse("alice@localhost")); len(list) != 0 || err != nil {
		t.Errorf("got %v, %v", list, err)
	}
}

// TestTokensAreBounded: the client that used its token the longest ago loses it.
func TestTokensAreBounded(t *testing.T) {
	t.Parallel()
	s := serve(t, func(cfg *engine.Config) {
		withStore(cfg)
		cfg.Limits.TokensPerUser = 3
	})
	s.create(t, "alice@localhost")
	alice := jid.MustParse("alice@localhost")
	for i := range 6 {
		s.giveToken(t, "alice", fmt.Sprintf("d4565fa7-4d72-4749-b3d3-74000000000%d", i), sasl.HTNone)
	}
	list, err := s.Accounts().Tokens(context.Background(), alice)
	if len(list) != 3 || err != nil {
		t.Fatalf("got %v, %v", list, err)
	}
	if l := list[2]; !strings.HasSuffix(l.Client, "5") || l.Software != "Test" || l.Device != "Bench" || !l.Expires.After(l.Used) {
		t.Errorf("got %+v", l)
	}
	if _, err := s.Accounts().RevokeTokens(context.Background(), alice, list[0].Client); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Accounts().RevokeTokens(context.Background(), alice, list[0].Client); !errors.Is(err, engine.ErrNoToken) {
		t.Errorf("revoked twice: %v", err)
	}
	if _, err := s.Accounts().Tokens(context.Background(), jid.MustParse("nobody@localhost")); !errors.Is(err, engine.ErrNoAccount) {
		t.Errorf("no account: %v", err)
	}
}

// TestStolenStore: who has the store and not the key cannot make the tokens, and with
// another key those that are out there are void.
func TestStolenStore(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	keep := func(key byte) func(*engine.Config) {
		return func(cfg *engine.Config) {
			cfg.Auth, cfg.Store = nil, notClosed{store}
			cfg.TokenKey = []byte(strings.Repeat(string(key), 32))
		}
	}
	s := serve(t, keep('a'))
	s.create(t, "alice@localhost")
	text := s.giveToken(t, "alice", phone, sasl.HTNone)
	res := store.Read(&storage.Op{Kind: storage.Scan, Owner: "alice@localhost", Collection: "token"})
	if len(res.Items) != 1 || strings.Contains(string(res.Items[0].Value), text) {
		t.Errorf("stored: %q", res.Items)
	}
	s.shutdown(t)
	again := serve(t, keep('a'))
	c, n := again.byToken(t, "alice", phone, sasl.HTNone, text, theFast)
	if n.XMLName.Local != "success" {
		t.Errorf("%s: not good after a restart: %s", c.jid, n)
	}
	again.shutdown(t)
	serve(t, keep('b')).refused(t, "alice", phone, sasl.HTNone, text, "not-authorized")
}

// notClosed outlives the engine that closes it.
type notClosed struct{ storage.Driver }

func (notClosed) Close() error { return nil }

func decode(t testing.TB, text string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// endPoint is tls-server-end-point of c's connection.
func endPoint(c *client) []byte {
	sum := sha256.Sum256(c.conn.(*tls.Conn).ConnectionState().PeerCertificates[0].Raw)
	return sum[:]
}
