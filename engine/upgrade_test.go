package engine_test

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/storage/memory"
)

// TestXEP0480_MoreRounds: the operator has raised the rounds, and the account's keys
// are renewed in the middle of a login; its token stays.
func TestXEP0480_MoreRounds(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	s := serve(t, func(cfg *engine.Config) { cfg.Auth, cfg.Store = nil, notClosed{store} })
	s.create(t, "alice@localhost")
	s.shutdown(t)
	const rounds = 12_345
	s = serve(t, func(cfg *engine.Config) {
		cfg.Auth, cfg.Store, cfg.ScramIterations = nil, notClosed{store}, rounds
	})
	token := s.giveToken(t, "alice", phone, sasl.HTNone)
	c := s.connect(t, "tls")
	c.open()
	n := c.authenticate2(sasl.SCRAMSHA256, saslSecret("alice"), "<upgrade xmlns='"+session.NSUpgrade+"'>UPGR-SCRAM-SHA-256</upgrade>"+bindWith(""))
	if n.XMLName.Local != "continue" || n.child("tasks").child("task").Text != "UPGR-SCRAM-SHA-256" {
		t.Fatalf("got %s", n)
	}
	c.send("<next xmlns='%s' task='UPGR-SCRAM-SHA-256'/>", nsSASL2)
	salt := c.expect("task-data").child("salt")
	if salt.attr("iterations") != "12345" {
		t.Fatalf("got %s", salt)
	}
	salted, err := pbkdf2.Key(sha256.New, "secret", decode(t, salt.Text), rounds, sha256.Size)
	if err != nil {
		t.Fatal(err)
	}
	c.send("<task-data xmlns='%s'><hash xmlns='%s'>%s</hash></task-data>", nsSASL2, session.NSScramUpgrade, base64.StdEncoding.EncodeToString(salted))
	if n := c.expect("success"); n.child("bound").XMLName.Local == "" || n.child("additional-data").XMLName.Local != "" {
		t.Fatalf("got %s", n)
	}
	d := s.connect(t, "tls")
	d.open()
	d.send("%s", expand(authWith(sasl.SCRAMSHA256, "{b64:n,,n=alice,r=abc}")))
	if first := decode(t, d.expect("challenge").Text); !regexp.MustCompile(`,i=12345,`).Match(first) {
		t.Errorf("got %s", first)
	}
	for _, mechanism := range []string{sasl.SCRAMSHA256, sasl.SCRAMSHA1, sasl.Plain} {
		e := s.connect(t, "tls")
		e.open()
		if n := e.authenticate2(mechanism, saslSecret("alice"), ""); n.XMLName.Local != "success" {
			t.Errorf("%s: got %s", mechanism, n)
		}
	}
	if _, n := s.byToken(t, "alice", phone, sasl.HTNone, token, theFast); n.XMLName.Local != "success" {
		t.Errorf("the token ended: %s", n)
	}
}
