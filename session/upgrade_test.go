package session_test

import (
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/storage"
)

// upgrading checks alice by stored keys, and renews them.
func upgrading(t testing.TB, stored *sasl.Credentials) *peer {
	t.Helper()
	cfg := withTokens()
	cfg.Upgrades, cfg.ScramIterations = true, 5000
	p := newTokens().answer(secured(t, cfg))
	p.answers[session.OpCredentials] = func(session.Op) session.Result {
		c := *stored
		return session.Result{Credentials: &c}
	}
	p.answers[session.OpUpgrade] = func(op session.Op) session.Result {
		if string(op.Credentials.Append(nil)) != string(stored.Append(nil)) {
			return session.Result{Err: storage.ErrConflict}
		}
		*stored = *op.Upgrade
		return session.Result{}
	}
	return p
}

// scram logs in as alice up to what comes after the proof.
func (p *peer) scram(t testing.TB, mechanism, more string) {
	t.Helper()
	c, err := sasl.NewClient(mechanism, sasl.ClientConfig{Username: "alice", Password: secret})
	if err != nil {
		t.Fatal(err)
	}
	p.sent = ""
	p.feed("<authenticate" + ns2 + " mechanism='" + mechanism + "'><initial-response>" + base64.StdEncoding.EncodeToString(c.First()) + "</initial-response>" + more + "</authenticate>")
	answer, err := c.Next(inside(t, p.sent, "challenge"))
	if err != nil {
		t.Fatal(err)
	}
	p.sent = ""
	p.feed("<response" + ns2 + ">" + base64.StdEncoding.EncodeToString(answer) + "</response>")
	if err := c.Finish(inside(t, p.sent, "additional-data")); err != nil {
		t.Fatal(err)
	}
}

// perform does a task that the server has asked for, and returns the answer to it.
func (p *peer) perform(t testing.TB, mechanism string, h func() hash.Hash) {
	t.Helper()
	if !strings.Contains(p.sent, "<continue"+ns2+">") || !strings.HasSuffix(p.sent, "<tasks><task>UPGR-"+mechanism+"</task></tasks></continue>") {
		t.Fatalf("got %s", p.sent)
	}
	p.sent = ""
	p.feed("<next" + ns2 + " task='UPGR-" + mechanism + "'/>")
	const begin = "<task-data" + ns2 + "><salt xmlns='" + session.NSScramUpgrade + "' iterations='5000'>"
	if !strings.HasPrefix(p.sent, begin) {
		t.Fatalf("got %s", p.sent)
	}
	salted, err := pbkdf2.Key(h, secret, inside(t, p.sent, "salt"), 5000, h().Size())
	if err != nil {
		t.Fatal(err)
	}
	p.sent = ""
	p.feed(hashData(salted))
}

func hashData(salted []byte) string {
	return "<task-data" + ns2 + "><hash xmlns='" + session.NSScramUpgrade + "'>" + base64.StdEncoding.EncodeToString(salted) + "</hash></task-data>"
}

func wantUpgrade(mechanisms ...string) (b string) {
	for _, m := range mechanisms {
		b += "<upgrade xmlns='" + session.NSUpgrade + "'>UPGR-" + m + "</upgrade>"
	}
	return b
}

func derived(t testing.TB, iterations int) *sasl.Credentials {
	t.Helper()
	c, err := sasl.Derive(secret, iterations, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &c
}

// TestXEP0480: an account with keys for SHA-1 alone gets those for SHA-256, and one
// with few rounds gets more; a token, a resource and the rest come after that.
func TestXEP0480(t *testing.T) {
	old := derived(t, 4096)
	only1 := &sasl.Credentials{SHA1: old.SHA1}
	for _, c := range []struct {
		name   string
		stored *sasl.Credentials
		wanted []string
		tasks  []string
	}{
		{"no keys for SHA-256", only1, []string{sasl.SCRAMSHA256}, []string{sasl.SCRAMSHA256}},
		{"few rounds", old, []string{sasl.SCRAMSHA256, sasl.SCRAMSHA1}, []string{sasl.SCRAMSHA256, sasl.SCRAMSHA1}},
		{"few rounds, in another order, and twice", old, []string{sasl.SCRAMSHA1, sasl.SCRAMSHA256, sasl.SCRAMSHA1}, []string{sasl.SCRAMSHA1, sasl.SCRAMSHA256}},
		{"one of two", old, []string{sasl.SCRAMSHA1}, []string{sasl.SCRAMSHA1}},
		{"nothing wanted", old, nil, nil},
		{"nothing needed", derived(t, 5000), []string{sasl.SCRAMSHA256, sasl.SCRAMSHA1}, nil},
		{"more rounds already", derived(t, 6000), []string{sasl.SCRAMSHA256}, nil},
		{"unknown", old, []string{"SCRAM-SHA-512", "SCRAM-SHA-256-PLUS", ""}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			stored := *c.stored
			p := upgrading(t, &stored)
			p.scram(t, sasl.SCRAMSHA1, wantUpgrade(c.wanted...)+userAgent+wantNone+bind2(""))
			for _, m := range c.tasks {
				if !p.JID().IsZero() {
					t.Error("let in before the task is done")
				}
				p.perform(t, m, map[string]func() hash.Hash{sasl.SCRAMSHA1: sha1.New, sasl.SCRAMSHA256: sha256.New}[m])
			}
			if !p.Bound() || given(p.sent) == "" || strings.Contains(p.sent, "<additional-data>") != (len(c.tasks) == 0) {
				t.Fatalf("got %s", p.sent)
			}
			for _, m := range c.tasks {
				if stored.Outdated(m, 5000) {
					t.Errorf("%s was not renewed", m)
				}
				upgrading(t, &stored).scram(t, m, "")
			}
			if !stored.Verify(secret) || stored.Verify("another") {
				t.Error("the password is another")
			}
		})
	}
}

func TestUpgradesAreOffered(t *testing.T) {
	cfg := withTokens()
	cfg.Upgrades = true
	p := newPeer(cfg)
	p.feed(header + starttls)
	p.feed(header)
	if want := "</inline>" + wantUpgrade(sasl.SCRAMSHA256, sasl.SCRAMSHA1) + "</authentication>"; !strings.Contains(p.sent, want) {
		t.Errorf("got %s", p.sent)
	}
}

// TestUpgradeIsRefused: a task that is not done well fails the login and changes
// nothing; what does not belong there ends the stream.
func TestUpgradeIsRefused(t *testing.T) {
	const task = "<next" + ns2 + " task='UPGR-SCRAM-SHA-256'/>"
	for _, c := range []struct{ name, in, want string }{
		{"another task", "<next" + ns2 + " task='UPGR-SCRAM-SHA-1'/>", failure2("malformed-request", "not a task that was asked for")},
		{"no task", "<next" + ns2 + "/>", failure2("malformed-request", "not a task that was asked for")},
		{"no hash", task + "<task-data" + ns2 + "/>", failure2("malformed-request", "no hash")},
		{"empty hash", task + hashData(nil), failure2("malformed-request", "hash has the wrong length")},
		{"hash of SHA-1", task + hashData(make([]byte, 20)), failure2("malformed-request", "hash has the wrong length")},
		{"not base64", task + "<task-data" + ns2 + "><hash xmlns='" + session.NSScramUpgrade + "'>!</hash></task-data>", failure2("incorrect-encoding", "not base64")},
		{"abort", "<abort" + ns2 + "/>", failure2("aborted", "")},
		{"abort in the task", task + "<abort" + ns2 + "/>", failure2("aborted", "")},
		{"message", "<message/>", ""},
		{"response", "<response" + ns2 + "/>", ""},
		{"authenticate", "<authenticate" + ns2 + " mechanism='PLAIN'/>", ""},
		{"data before next", hashData(make([]byte, 32)), ""},
		{"next twice", task + task, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			stored := *derived(t, 4096)
			before := string(stored.Append(nil))
			p := upgrading(t, &stored)
			p.scram(t, sasl.SCRAMSHA1, wantUpgrade(sasl.SCRAMSHA256)+bind2(""))
			p.sent = ""
			p.feed(c.in)
			if string(stored.Append(nil)) != before || !p.JID().IsZero() || p.Bound() {
				t.Errorf("keys changed, or let in as %s", p.JID())
			}
			if c.want == "" {
				p.expectFailure2(t, "policy-violation")
				return
			}
			if !strings.HasSuffix(p.sent, c.want) || p.closed {
				t.Errorf("got %s, want %s", p.sent, c.want)
			}
			p.scram(t, sasl.SCRAMSHA1, bind2("")) // as before
			if !p.Bound() {
				t.Errorf("got %s", p.sent)
			}
		})
	}
	t.Run("password changed meanwhile", func(t *testing.T) {
		stored := *derived(t, 4096)
		p := upgrading(t, &stored)
		p.scram(t, sasl.SCRAMSHA1, wantUpgrade(sasl.SCRAMSHA256)+bind2(""))
		stored = *derived(t, 4096)
		p.perform(t, sasl.SCRAMSHA256, sha256.New)
		p.expect(t, failure2("temporary-auth-failure", ""))
	})
}
