package s2s

import (
	"errors"
	"fmt"
)

// errNoCertificate is why a peer without a certificate is refused.
var errNoCertificate = errors.New("no certificate was shown")

// proves is nil when the peer's certificate proves a domain.
func (s *Stream) proves(domain string) error {
	if s.sec == nil || s.sec.Proof == nil {
		return errNoCertificate
	}
	return s.sec.Proof.Proves(domain)
}

// verdict is proves in words.
func (s *Stream) verdict(domain string) string {
	if err := s.proves(domain); err != nil {
		return err.Error()
	}
	return "it proves the domain"
}

// refusal is why the peer is not trusted with a remote domain, whatever it does
// beside TLS; nil when it may prove it.
func (s *Stream) refusal(remote string) error {
	policy := s.cfg.Policy(remote)
	if policy.Denied {
		return denied(remote)
	}
	if policy.Require == Dialback {
		return nil
	}
	if err := s.proves(remote); err != nil {
		return fmt.Errorf("the certificate does not prove %s: %w", remote, err)
	}
	return nil
}
