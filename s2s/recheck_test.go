package s2s_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/s2s"
	"github.com/xylem-im/xylem/stanza"
)

// A policy that changes ends what it does not allow any more, and only that.
func TestRemoteRecheck(t *testing.T) {
	for _, c := range []struct {
		name    string
		verdict string // on the certificate of the stream
		policy  s2s.Policy
		want    []string
	}{
		{"nothing changed", "", s2s.Policy{}, nil},
		{"denied", "", s2s.Policy{Denied: true}, []string{"end 7: this server does not federate with far.example"}},
		{"a certificate is required and there", "", s2s.Policy{Require: s2s.Certificate}, nil},
		{"a certificate is required and not there", "it is self-signed", s2s.Policy{Require: s2s.Certificate},
			[]string{"end 7: the certificate does not prove far.example: it is self-signed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			policy := s2s.Policy{}
			r := newRemote(t, func(cfg *s2s.RemoteConfig) { cfg.Policy = func(string) s2s.Policy { return policy } })
			r.send("a.example", "<1/>")
			r.found("h1")
			r.dialed(7)
			r.Secured(7, "TLS 1.3", c.verdict)
			r.ready(7, "a.example")
			r.do.Reset()
			policy = c.policy
			r.Recheck(r.now, &r.do)
			r.want(c.want...)
		})
	}
}

// What waits for a domain that is denied now is returned, and after a failure the
// next attempt waits no longer.
func TestRemoteRecheckOfWhatWaits(t *testing.T) {
	policy := s2s.Policy{}
	ended := ""
	r := newRemote(t, func(cfg *s2s.RemoteConfig) {
		cfg.Policy = func(string) s2s.Policy { return policy }
		cfg.Ended = func(domain string, n int, _ bool, err error) { ended += fmt.Sprint(domain, n, err, " ") }
	})
	r.send("a.example", "<1/>")
	r.Found(r.now, nil, errors.New("SERVFAIL"), &r.do)
	r.do.Reset()
	if rec := r.Record(r.now); rec.State != s2s.BackingOff || ended != "far.example1 SERVFAIL " {
		t.Fatalf("%v, %q", rec.State, ended)
	}
	r.Recheck(r.now, &r.do)
	r.want("find for a.example")
	r.Found(r.now, nil, errors.New("SERVFAIL"), &r.do)
	r.do.Reset()
	policy.Denied = true
	r.Recheck(r.now, &r.do)
	r.want("bounce <1/>: not-allowed: this server does not federate with far.example")
	var c s2s.Counts
	r.Count(r.now, &c)
	if want := (s2s.Counts{Domains: [s2s.States]int{s2s.Idle: 1}}); c != want {
		t.Errorf("got %+v, want %+v", c, want)
	}
}

func TestCounts(t *testing.T) {
	r := newRemote(t)
	r.send("a.example", "<1/>")
	r.found("h1")
	r.dialed(7)
	r.Joined(r.now, s2s.StreamRecord{Ref: 8})
	var c s2s.Counts
	r.Count(r.now, &c)
	c.Add(&s2s.Counts{Queued: 1, QueuedBytes: 10, Incoming: 1, Domains: [s2s.States]int{s2s.Connected: 2}})
	want := s2s.Counts{Domains: [s2s.States]int{s2s.Connecting: 1, s2s.Connected: 2}, Incoming: 2, Outgoing: 1, Queued: 2, QueuedBytes: 14}
	if c != want {
		t.Errorf("got %+v, want %+v", c, want)
	}
}

// Each reason that has a remedy is one that operators meet.
func TestRemedy(t *testing.T) {
	stream := func(c stanza.StreamCondition) error { return fmt.Errorf("x: %w", stanza.PeerError{Condition: c}) }
	dialback := func(c stanza.Condition) error { return fmt.Errorf("x: %w", stanza.Error{Condition: c}) }
	for _, c := range []struct {
		reason error
		want   string
	}{
		{nil, ""},
		{errors.New("nothing listens"), ""},
		{stream(stanza.StreamHostUnknown), "does not serve the domain"},
		{stream(stanza.StreamNotAuthorized), "certificate from a public authority"},
		{stream(stanza.StreamRemoteConnectionFailed), "publish the SRV record"},
		{stream(stanza.StreamPolicyViolation), "ask them"},
		{stream(stanza.StreamInternalServerError), "its operator's log"},
		{stream(stanza.StreamInvalidNamespace), "port for clients"},
		{stream(stanza.StreamSystemShutdown), ""},
		{dialback(stanza.RemoteServerNotFound), "publish the SRV record"},
		{dialback(stanza.RemoteServerTimeout), "publish the SRV record"},
		{dialback(stanza.ItemNotFound), "does not serve the domain"},
		{dialback(stanza.NotAuthorized), "takes nothing but certificates"},
		{dialback(stanza.Forbidden), "ask them"},
		{dialback(stanza.ResourceConstraint), ""},
	} {
		if got := s2s.Remedy(c.reason); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%v: %q, want %q", c.reason, got, c.want)
		}
	}
}
