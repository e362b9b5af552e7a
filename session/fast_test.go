package session_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/session/token"
	"github.com/xylem-im/xylem/storage"
)

const (
	nsFAST   = " xmlns='" + session.NSFAST + "'"
	theFast  = "<fast" + nsFAST + "/>"
	wantNone = "<request-token" + nsFAST + " mechanism='HT-SHA-256-NONE'/>"
)

// tokens are what a server stores, by client; conflicts is how many changes are
// refused first, and err what all meet.
type tokens struct {
	stored    map[string][]byte
	puts      []session.TokenChange
	conflicts int
	err       error
}

func (s *tokens) answer(p *peer) *peer {
	p.answers[session.OpToken] = func(op session.Op) session.Result {
		return session.Result{Record: s.stored[op.Local+" "+op.Client], Err: s.err}
	}
	p.answers[session.OpTokenPut] = func(op session.Op) session.Result {
		key := op.Local + " " + op.Client
		if s.conflicts > 0 {
			s.conflicts--
			return session.Result{Err: storage.ErrConflict}
		}
		if !bytes.Equal(s.stored[key], op.Token.Before) {
			return session.Result{Err: storage.ErrConflict}
		}
		s.puts = append(s.puts, *op.Token)
		if s.stored[key] = op.Token.After; op.Token.After == nil {
			delete(s.stored, key)
		}
		return session.Result{}
	}
	return p
}

// withTokens gives out tokens for 21 days.
func withTokens() *session.Config {
	cfg := managing()
	cfg.Tokens = &token.Policy{Key: bytes.Repeat([]byte{1}, token.MinKey), Lifetime: 21 * 24 * 3600}
	return cfg
}

func newTokens() *tokens { return &tokens{stored: map[string][]byte{}} }

// byToken is an <authenticate/> by a token, with more inside.
func byToken(t testing.TB, mechanism, user, text, more string) string {
	t.Helper()
	b := &bindings[0]
	c, err := sasl.NewClient(mechanism, sasl.ClientConfig{Username: user, Password: text, Binding: b})
	if err != nil {
		t.Fatal(err)
	}
	return "<authenticate" + ns2 + " mechanism='" + mechanism + "'><initial-response>" + base64.StdEncoding.EncodeToString(c.First()) +
		"</initial-response>" + more + "</authenticate>"
}

// given is the token in what was sent; "" if there is none.
func given(s string) string {
	_, s, _ = strings.Cut(s, "<token"+nsFAST)
	_, s, _ = strings.Cut(s, " token='")
	s, _, _ = strings.Cut(s, "'")
	return s
}

// token logs in by the password and returns the token that it gets for mechanism.
func (s *tokens) token(t testing.TB, cfg *session.Config, mechanism string) string {
	t.Helper()
	p := s.answer(secured(t, cfg))
	p.feed(authenticate2("alice", secret, userAgent+"<request-token"+nsFAST+" mechanism='"+mechanism+"'/>"))
	text := given(p.sent)
	if len(text) != 43 {
		t.Fatalf("got %s", p.sent)
	}
	return text
}

func TestFASTIsOffered(t *testing.T) {
	p := newPeer(withTokens())
	p.feed(header + starttls + header)
	p.feed(header)
	if !strings.Contains(p.sent, "<fast"+nsFAST+"><mechanism>HT-SHA-256-EXPR</mechanism><mechanism>HT-SHA-256-NONE</mechanism></fast></inline>") {
		t.Errorf("got %s", p.sent)
	}
	if strings.Contains(p.sent, "0rtt") {
		t.Error("early data is taken")
	}
}

// TestXEP0484: a token is asked for, given, used, replaced and ended.
func TestXEP0484(t *testing.T) {
	for _, mechanism := range []string{sasl.HTNone, sasl.HTExporter} {
		cfg, s := withTokens(), newTokens()
		first := s.token(t, cfg, mechanism)
		login := func(now int64, text, more string) *peer {
			p := s.answer(secured(t, cfg))
			p.now = now
			p.feed(byToken(t, mechanism, "alice", text, userAgent+more))
			return p
		}
		// One exchange, with a resource; the first use is stored, the second is not.
		p := login(1001*second, first, theFast+bind2(""))
		if !p.Bound() || !strings.Contains(p.sent, "<additional-data>") || given(p.sent) != "" {
			t.Fatalf("%s: got %s", mechanism, p.sent)
		}
		puts := len(s.puts)
		if p := login(1002*second, first, theFast+bind2("")); !p.Bound() || len(s.puts) != puts {
			t.Fatalf("%s: bound %v, %d changes", mechanism, p.Bound(), len(s.puts)-puts)
		}
		// A day later it is replaced; both are good until the new one is used (§4.5).
		day := 90_000 * second
		renewed := given(login(day, first, theFast).sent)
		if renewed == "" || renewed == first || !login(day, first, theFast+bind2("")).Bound() {
			t.Fatalf("%s: not replaced: %q", mechanism, renewed)
		}
		renewed = given(login(day, first, theFast).sent)
		if p := login(day, renewed, theFast+bind2("")); !p.Bound() {
			t.Fatalf("%s: got %s", mechanism, p.sent)
		}
		login(day, first, theFast+bind2("")).expect(t, failure2("not-authorized", ""))
		// It ends when the client says so (§4.6), and nothing is left.
		if p := login(day, renewed, "<fast"+nsFAST+" invalidate='true'/>"+bind2("")); !p.Bound() || given(p.sent) != "" {
			t.Fatalf("%s: got %s", mechanism, p.sent)
		}
		if len(s.stored) != 0 {
			t.Errorf("%s: %d records are left", mechanism, len(s.stored))
		}
		login(day, renewed, theFast).expect(t, failure2("credentials-expired", ""))
	}
}

// TestXEP0484_5_2_Expired: who has a token that was good hears that it is not any
// more; who has another one does not.
func TestXEP0484_5_2_Expired(t *testing.T) {
	cfg, s := withTokens(), newTokens()
	text := s.token(t, cfg, sasl.HTNone)
	p := s.answer(secured(t, cfg))
	p.now = (1000 + 21*24*3600) * second
	p.feed(byToken(t, sasl.HTNone, "alice", text, userAgent+theFast))
	p.expect(t, failure2("credentials-expired", ""))
	p.feed(byToken(t, sasl.HTNone, "alice", text[1:]+"x", userAgent+theFast))
	p.expect(t, failure2("not-authorized", ""))
}

// TestFASTIsRefused: each way of using a token that is not its own fails in the same
// words as a user that does not exist.
func TestFASTIsRefused(t *testing.T) {
	other := strings.Replace(userAgent, "87770", "87771", 1)
	const malformed = "an element is there twice, or is not as it should be"
	for _, c := range []struct{ name, mechanism, user, more, want string }{
		{"unknown user", sasl.HTNone, "nobody", userAgent + theFast, failure2("credentials-expired", "")},
		{"another user", sasl.HTNone, "bob", userAgent + theFast, failure2("credentials-expired", "")},
		{"another client", sasl.HTNone, "alice", other + theFast, failure2("credentials-expired", "")},
		{"another mechanism", sasl.HTExporter, "alice", userAgent + theFast, failure2("credentials-expired", "")},
		{"no fast", sasl.HTNone, "alice", userAgent, failure2("invalid-mechanism", "")},
		{"no agent", sasl.HTNone, "alice", theFast, failure2("malformed-request", "a token goes with the id of a user agent")},
		{"agent without id", sasl.HTNone, "alice", "<user-agent/>" + theFast, failure2("malformed-request", "a token goes with the id of a user agent")},
		{"binding that is not offered", sasl.HTEndPoint, "alice", userAgent + theFast, failure2("invalid-mechanism", "")},
		{"negative count", sasl.HTNone, "alice", userAgent + "<fast" + nsFAST + " count='-1'/>", failure2("malformed-request", malformed)},
		{"count that is no number", sasl.HTNone, "alice", userAgent + "<fast" + nsFAST + " count='x'/>", failure2("malformed-request", malformed)},
		{"count of 32 bits", sasl.HTNone, "alice", userAgent + "<fast" + nsFAST + " count='2147483648'/>", failure2("malformed-request", malformed)},
		{"invalidate that is no boolean", sasl.HTNone, "alice", userAgent + "<fast" + nsFAST + " invalidate='yes'/>", failure2("malformed-request", malformed)},
		{"twice", sasl.HTNone, "alice", userAgent + theFast + theFast, failure2("malformed-request", malformed)},
		{"two requests", sasl.HTNone, "alice", userAgent + theFast + wantNone + wantNone, failure2("malformed-request", malformed)},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, s := withTokens(), newTokens()
			text := s.token(t, cfg, sasl.HTNone)
			p := s.answer(secured(t, cfg))
			p.feed(byToken(t, c.mechanism, c.user, text, c.more))
			p.expect(t, c.want)
		})
	}
	cfg, s := withTokens(), newTokens()
	p := s.answer(secured(t, cfg))
	p.feed(authenticate2("alice", secret, userAgent+theFast))
	p.expect(t, failure2("invalid-mechanism", "")) // a password is no token
}

// TestFASTCount: a count is taken once, XEP-0484 §4.4; 0 is none.
func TestFASTCount(t *testing.T) {
	cfg, s := withTokens(), newTokens()
	text := s.token(t, cfg, sasl.HTNone)
	for _, c := range []struct{ count, want string }{
		{"5", "<success"}, {"5", failure2("not-authorized", "count was used before")}, {"4", failure2("not-authorized", "count was used before")},
		{"6", "<success"}, {"0", "<success"}, {"2147483647", "<success"},
	} {
		p := s.answer(secured(t, cfg))
		p.feed(byToken(t, sasl.HTNone, "alice", text, userAgent+"<fast"+nsFAST+" count='"+c.count+"'/>"))
		if !strings.HasPrefix(p.sent, c.want) {
			t.Errorf("count %s: got %s, want %s", c.count, p.sent, c.want)
		}
	}
}

// TestTokenIsNotGiven: to whom cannot have one, which is in all the same.
func TestTokenIsNotGiven(t *testing.T) {
	for name, more := range map[string]string{
		"no agent":             wantNone,
		"agent without id":     "<user-agent/>" + wantNone,
		"unknown mechanism":    userAgent + "<request-token" + nsFAST + " mechanism='HT-SHA-512-NONE'/>",
		"mechanism of another": userAgent + "<request-token" + nsFAST + " mechanism='SCRAM-SHA-1'/>",
		"no mechanism":         userAgent + "<request-token" + nsFAST + "/>",
	} {
		cfg, s := withTokens(), newTokens()
		p := s.answer(secured(t, cfg))
		p.feed(authenticate2("alice", secret, more))
		if !strings.HasPrefix(p.sent, "<success") || given(p.sent) != "" || len(s.stored) != 0 {
			t.Errorf("%s: got %s", name, p.sent)
		}
	}
}

// TestTokensAndTheStore: what happens when it does not answer, or somebody else gets
// in between.
func TestTokensAndTheStore(t *testing.T) {
	t.Run("a new token that cannot be stored", func(t *testing.T) {
		s := newTokens()
		s.err = errors.New("broken")
		p := s.answer(secured(t, withTokens()))
		p.feed(authenticate2("alice", secret, userAgent+wantNone))
		if !strings.HasPrefix(p.sent, "<success") || given(p.sent) != "" {
			t.Errorf("got %s", p.sent)
		}
	})
	t.Run("a token that cannot be read", func(t *testing.T) {
		cfg, s := withTokens(), newTokens()
		text := s.token(t, cfg, sasl.HTNone)
		s.err = errors.New("broken")
		p := s.answer(secured(t, cfg))
		p.feed(byToken(t, sasl.HTNone, "alice", text, userAgent+theFast))
		p.expect(t, failure2("temporary-auth-failure", ""))
	})
	t.Run("a change in between", func(t *testing.T) {
		cfg, s := withTokens(), newTokens()
		s.conflicts = 2
		text := s.token(t, cfg, sasl.HTNone)
		s.conflicts = 3
		p := s.answer(secured(t, cfg))
		p.feed(byToken(t, sasl.HTNone, "alice", text, userAgent+theFast+bind2("")))
		if !p.Bound() {
			t.Errorf("got %s", p.sent)
		}
	})
	t.Run("changes without end", func(t *testing.T) {
		cfg, s := withTokens(), newTokens()
		text := s.token(t, cfg, sasl.HTNone)
		s.conflicts = 1000
		p := s.answer(secured(t, cfg))
		p.feed(byToken(t, sasl.HTNone, "alice", text, userAgent+theFast))
		p.expect(t, failure2("temporary-auth-failure", ""))
		p.feed(authenticate2("alice", secret, userAgent+wantNone)) // the password may have changed meanwhile
		p.expect(t, failure2("temporary-auth-failure", ""))
	})
}
