package engine_test

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"hash"
	"slices"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/session/sasl"
)

// versions are those of TLS, with what clients may bind there: tls-unique does not
// exist in 1.3 (RFC 9266 §3), and all else is in both.
var versions = []struct {
	name     string
	number   uint16
	bindings []string
	tokens   []string
}{
	{"1.2", tls.VersionTLS12, []string{"tls-exporter", "tls-unique", "tls-server-end-point"},
		[]string{sasl.HTExporter, sasl.HTUnique, sasl.HTEndPoint, sasl.HTNone}},
	{"1.3", tls.VersionTLS13, []string{"tls-exporter", "tls-server-end-point"},
		[]string{sasl.HTExporter, sasl.HTEndPoint, sasl.HTNone}},
}

// connectBy is connect over direct TLS of one version.
func (s *server) connectBy(t *testing.T, version uint16) *client {
	t.Helper()
	cfg := clientTLS("localhost")
	cfg.MinVersion, cfg.MaxVersion = version, version
	conn, err := tls.Dial("tcp", s.addr("tls"), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return newClient(t, conn)
}

// bindingFor is what the client knows of its channel for a mechanism for tokens.
func bindingFor(t *testing.T, c *client, mechanism string) *sasl.Binding {
	t.Helper()
	state := c.conn.(*tls.Conn).ConnectionState()
	switch mechanism {
	case sasl.HTExporter:
		key, err := state.ExportKeyingMaterial("EXPORTER-Channel-Binding", []byte{}, 32)
		if err != nil {
			t.Fatal(err)
		}
		return &sasl.Binding{Type: sasl.TLSExporter, Data: key}
	case sasl.HTUnique:
		return &sasl.Binding{Type: sasl.TLSUnique, Data: state.TLSUnique}
	case sasl.HTEndPoint:
		return &sasl.Binding{Type: sasl.TLSServerEndPoint, Data: endPoint(c)}
	}
	return nil
}

// texts are those of the children of that name.
func (n *node) texts(local string) (list []string) {
	for i := range n.Children {
		if n.Children[i].XMLName.Local == local {
			list = append(list, n.Children[i].Text)
		}
	}
	return list
}

// types are the channel bindings that are announced (XEP-0440).
func types(features *node) (list []string) {
	for _, child := range features.child("sasl-channel-binding").Children {
		list = append(list, child.attr("type"))
	}
	return list
}

// TestXEP0484_ByVersionOfTLS: what is announced for tokens is what the channel can
// bind, each works there, and none with the binding of another channel.
func TestXEP0484_ByVersionOfTLS(t *testing.T) {
	t.Parallel()
	s := serve(t, withStore)
	s.create(t, "alice@localhost")
	for _, v := range versions {
		c := s.connectBy(t, v.number)
		features := c.open()
		if got := types(features); !slices.Equal(got, v.bindings) {
			t.Errorf("TLS %s: announced %q", v.name, got)
		}
		if got := features.child("authentication").child("inline").child("fast").texts("mechanism"); !slices.Equal(got, v.tokens) {
			t.Errorf("TLS %s: tokens for %q", v.name, got)
		}
		for _, mechanism := range v.tokens {
			text := s.giveTokenBy(t, v.number, mechanism)
			login := func(of func(*client) *sasl.Binding) *node {
				c := s.connectBy(t, v.number)
				c.open()
				return c.authenticate2(mechanism, sasl.ClientConfig{Username: "alice", Password: text, Binding: of(c)}, agentOf(phone)+theFast)
			}
			if mechanism != sasl.HTNone && mechanism != sasl.HTEndPoint { // of which all channels have the same
				elsewhere := bindingFor(t, s.connectBy(t, v.number), mechanism)
				if n := login(func(*client) *sasl.Binding { return elsewhere }); !n.has("not-authorized") {
					t.Errorf("TLS %s, %s of another channel: got %s", v.name, mechanism, n)
				}
			}
			if n := login(func(c *client) *sasl.Binding { return bindingFor(t, c, mechanism) }); n.XMLName.Local != "success" {
				t.Errorf("TLS %s, %s: got %s", v.name, mechanism, n)
			}
		}
	}
	c := s.connect(t, "tcp") // before STARTTLS nothing may be asked for
	if features := c.open(); features.has("authentication") || features.has("sasl-channel-binding") {
		t.Errorf("before TLS: got %s", features)
	}
}

// giveTokenBy is giveToken over a version of TLS, which decides what can be asked for.
func (s *server) giveTokenBy(t *testing.T, version uint16, mechanism string) string {
	t.Helper()
	c := s.connectBy(t, version)
	c.open()
	n := c.authenticate2(sasl.SCRAMSHA256, saslSecret("alice"), agentOf(phone)+want(mechanism))
	text := n.child("token").attr("token")
	if text == "" {
		t.Fatalf("%s: got %s", mechanism, n)
	}
	return text
}

// TestXEP0474_5_1_HashOfWhatIsAnnounced: a client that counts the hash by itself, out
// of what it was announced in the profile that it uses, finds the one in the challenge.
func TestXEP0474_5_1_HashOfWhatIsAnnounced(t *testing.T) {
	t.Parallel()
	s := serve(t, func(cfg *engine.Config) { cfg.Auth = newAccounts("alice") })
	hashes := map[string]func() hash.Hash{sasl.SCRAMSHA1: sha1.New, sasl.SCRAMSHA256: sha256.New}
	for _, v := range versions {
		for _, old := range []bool{true, false} {
			for mechanism, h := range hashes {
				c := s.connectBy(t, v.number)
				features := c.open()
				list := features.child("authentication").texts("mechanism")
				if old {
					list = features.child("mechanisms").texts("mechanism")
				}
				bindings := types(features)
				slices.Sort(list)
				slices.Sort(bindings)
				sum := h()
				fmt.Fprintf(sum, "%s\x1f%s", strings.Join(list, "\x1e"), strings.Join(bindings, "\x1e"))
				first := encode([]byte("n,,n=alice,r=abcdefgh"))
				if old {
					c.send("%s", authWith(mechanism, first))
				} else {
					c.send("%s", with2(mechanism, initial(first)))
				}
				challenge := string(decode(t, c.expect("challenge").Text))
				if want := ",h=" + base64.StdEncoding.EncodeToString(sum.Sum(nil)); !strings.HasSuffix(challenge, want) {
					t.Errorf("TLS %s, old profile %v, %s: got %s, want %s", v.name, old, mechanism, challenge, want)
				}
			}
		}
	}
}
