package engine

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"

	xtls "github.com/xylem-im/xylem/engine/tls"
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/s2s"
)

// What is not worth a setting.
const (
	streamPairs     = 1000 // pairs of domains proved on one stream
	remoteQuestions = 100  // dialback questions that wait for one remote domain
	unackedQueues   = 4    // times Federation.QueueBytes that may be unacknowledged: a burst over a long way, which comes faster than its answers
)

// configureFederation derives what streams with other servers share.
func (e *Engine) configureFederation() (faults []error) {
	e.cfg.Federation, faults = e.cfg.Federation.withDefaults()
	f := &e.cfg.Federation
	e.peers = s2s.Config{
		Serves:         e.serves,
		Policy:         f.Policy,
		Random:         rand.Reader,
		PreAuth:        e.sessions.PreAuth,
		Bound:          e.sessions.Bound,
		NegotiateTime:  int64(e.limits.PreAuthTime),
		IdleTime:       int64(f.IdleTime),
		SilentTime:     int64(f.SilentTime),
		AnswerTime:     int64(f.AnswerTime),
		Pairs:          streamPairs,
		Manage:         true,
		UnackedBytes:   max(unackedQueues*f.QueueBytes, e.limits.StanzaBytes),
		UnackedStanzas: max(unackedQueues*f.QueueStanzas, 20_000),
	}
	e.remoteConfig = s2s.RemoteConfig{
		Policy:       f.Policy,
		Ended:        e.attemptEnded,
		Jitter:       mathrand.Int64N,
		QueueBytes:   f.QueueBytes,
		QueueStanzas: f.QueueStanzas,
		QueueTime:    int64(f.QueueTime),
		Questions:    remoteQuestions,
		RetryLeast:   int64(f.RetryLeast),
		RetryMost:    int64(f.RetryMost),
	}
	e.dials = make(chan struct{}, f.Dials)
	e.dialing, e.stopDialing = context.WithCancel(context.Background())
	return faults
}

// attemptEnded counts attempts to reach other servers and logs their first
// failure, the one after which stanzas are no longer kept, and the end of it;
// what is between is in the records.
func (e *Engine) attemptEnded(domain string, failures int, notable bool, reason error) {
	e.peerAttempts.Add(1)
	switch {
	case reason == nil && notable:
		e.log.Info("domain reached again", "domain", domain, "failures", failures)
	case reason == nil:
	default:
		e.peerAttemptsFailed.Add(1)
		level := slog.LevelDebug
		if notable {
			level = slog.LevelInfo
		}
		attrs := []slog.Attr{slog.String("domain", domain), slog.Int("failures", failures), slog.Any("reason", reason)}
		if remedy := s2s.Remedy(reason); remedy != "" {
			attrs = append(attrs, slog.String("remedy", remedy))
		}
		e.log.LogAttrs(e.dialing, level, "domain not reached", attrs...)
	}
}

// openFederation loads the secret that dialback keys are made from. It must be
// the same after a restart: a peer may ask for a key that was made before.
func (e *Engine) openFederation(ctx context.Context) error {
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return fmt.Errorf("engine: random numbers: %w", err)
	}
	if e.federates() && e.pump != nil {
		var err error
		if secret, err = storedSecret(ctx, e.pump, "dialback", secret); err != nil {
			return fmt.Errorf("engine: store: %w", err)
		}
	}
	e.peers.Secret = secret
	return nil
}

// peerServerTLS finds the TLS configuration of a listener for other servers by
// the domain that a stream is for; direct: TLS comes first, and SNI must do.
func (e *Engine) peerServerTLS(direct bool) func(domain string) *tls.Config {
	if direct {
		cfg := xtls.PeerServerConfig(e.cfg.Certificates.Certificate, xtls.ALPNServer)
		return func(string) *tls.Config { return cfg }
	}
	return func(domain string) *tls.Config { return e.configFor(&e.peerTLS, domain, xtls.PeerServerConfig) }
}

// peerClientTLS is the TLS configuration of a stream of ours, in the name of a
// local domain.
func (e *Engine) peerClientTLS(local, remote string, direct bool) *tls.Config {
	own := func() (*tls.Certificate, error) {
		if e.cfg.Certificates == nil {
			return nil, nil
		}
		return e.cfg.Certificates.Certificate(local)
	}
	name, err := jid.DomainASCII(remote)
	if err != nil {
		name = "" // no name that DNS could hold: without SNI the peer shows what it has
	}
	return xtls.PeerClientConfig(name, own, direct)
}
