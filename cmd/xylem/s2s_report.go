package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/s2s"
)

// remoteReport is what is known of a remote domain, for people and machines.
type remoteReport struct {
	Domain      string         `json:"domain"`
	State       string         `json:"state"` // connected, receiving, connecting, idle, backing off, unreachable
	Policy      string         `json:"policy"`
	LastError   string         `json:"last_error,omitempty"`
	Remedy      string         `json:"remedy,omitempty"` // what to do, unless last_error says it
	ErrorAt     time.Time      `json:"error_at,omitzero"`
	Failures    int            `json:"failures"` // attempts since the last that succeeded
	NextTry     time.Time      `json:"next_try,omitzero"`
	Queued      int            `json:"queued"` // stanzas that wait for a stream
	QueuedBytes int            `json:"queued_bytes"`
	Streams     []streamReport `json:"streams"`
	Steps       []stepReport   `json:"steps"` // of the last attempt to reach the domain; none in a list of all domains
}

// streamReport is one stream with the domain.
type streamReport struct {
	Direction   string       `json:"direction"` // who opened it: out: this server; in: the other
	Address     string       `json:"address"`
	Since       time.Time    `json:"since"`
	Security    string       `json:"security"`
	Certificate string       `json:"certificate,omitempty"` // why it does not prove the domain; "" with security: it does
	Sends       []provedPair `json:"sends"`                 // domains of this server that may speak there
	Receives    []provedPair `json:"receives"`              // that the other may speak to
}

// provedPair is a domain of this server, and how the side that speaks was proved.
type provedPair struct {
	Local  string `json:"local"`
	Method string `json:"method"`
}

// stepReport is a line of the story of an attempt.
type stepReport struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"`
}

// remotes lists what is known of remote domains; of one if domain is not "".
func (s *server) remotes(ctx context.Context, domain string) ([]remoteReport, error) {
	var domains []string
	if domain != "" {
		prepared, err := prepareDomain(domain)
		if err != nil {
			return nil, errors.Join(errRequest, err)
		}
		domains = append(domains, prepared)
	}
	records, err := s.engine.Remotes(ctx, domains...)
	if err != nil {
		return nil, explainFederation(err)
	}
	reports := make([]remoteReport, len(records))
	for i := range records {
		if domain == "" {
			records[i].Steps = nil // a list of thousands is to be read at a glance
		}
		reports[i] = s.remoteReport(&records[i])
	}
	return reports, nil
}

// errNoFederation is engine.ErrNotFederating with what to do.
var errNoFederation = errors.New("this server does not federate; set s2s.listen, and restart it")

func explainFederation(err error) error {
	if errors.Is(err, engine.ErrNotFederating) {
		return errNoFederation
	}
	return err
}

func (s *server) remoteReport(r *s2s.Record) remoteReport {
	report := remoteReport{
		Domain: r.Domain, State: r.State.String(), Policy: s.peers.policyText(r.Domain),
		LastError: r.LastError, Remedy: r.Remedy, ErrorAt: utcTime(r.ErrorAt), Failures: r.Failures, NextTry: utcTime(r.NextTry),
		Queued: r.Queued, QueuedBytes: r.QueuedBytes, Streams: []streamReport{}, Steps: []stepReport{},
	}
	for _, x := range r.Streams {
		direction := "in"
		if x.Outgoing {
			direction = "out"
		}
		report.Streams = append(report.Streams, streamReport{Direction: direction, Address: x.Address, Since: utcTime(x.Since),
			Security: x.Security, Certificate: x.Verdict, Sends: provedPairs(x.Sends), Receives: provedPairs(x.Receives)})
	}
	for _, x := range r.Steps {
		report.Steps = append(report.Steps, stepReport{utcTime(x.At), x.Text})
	}
	return report
}

func provedPairs(list []s2s.Proved) []provedPair {
	all := make([]provedPair, len(list))
	for i, p := range list {
		all[i] = provedPair(p)
	}
	return all
}

// utcTime is the time of Unix nanoseconds; the zero time of 0.
func utcTime(nano int64) time.Time {
	if nano == 0 {
		return time.Time{}
	}
	return time.Unix(0, nano).UTC()
}

// policyText is what holds for a domain, in words.
func (f *federation) policyText(domain string) string {
	switch p := f.policies.Load().of(domain); {
	case p.Denied:
		return "denied"
	case p.Require == s2s.Certificate:
		return "certificate"
	}
	return "dialback"
}

// listRemotes answers GET /v1/s2s.
func (s *server) listRemotes(r *http.Request) (any, error) {
	return s.remotes(r.Context(), r.URL.Query().Get("domain"))
}
