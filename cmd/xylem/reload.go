package main

import (
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// reload takes over at run time what can change: certificates, domains, the
// log level. Everything is checked before anything changes; a fault changes
// nothing and is logged with its line and column.
func (s *server) reload(now time.Time) {
	s.changes.Lock()
	defer s.changes.Unlock()
	old := s.conf.Load()
	fresh, err := s.flags.load()
	if err == nil {
		fresh.Server.Data, err = filepath.Abs(fresh.Server.Data)
	}
	if err != nil {
		s.logReloadFailure(err)
		return
	}
	add, remove := difference(fresh.Server.Domains, old.Server.Domains), difference(old.Server.Domains, fresh.Server.Domains)
	if err := s.renewCertificates(fresh, difference(union(fresh.Server.Domains, s.servedDomains()), remove), now); err != nil {
		s.logReloadFailure(err)
		return
	}
	for _, d := range add {
		if err := s.engine.AddDomain(d); err != nil { // cannot be: it was prepared
			s.log.Error("domain not added", "domain", d, "error", err)
		}
	}
	for _, d := range remove {
		s.engine.RemoveDomain(d)
	}
	s.level.Set(fresh.Log.Level)
	live, restart := changedKeys(&old.config, &fresh.config)
	for _, key := range restart {
		s.log.Warn("changed key needs a restart", "key", key, "at", fresh.originOf(key).String())
	}
	s.conf.Store(old.withLive(fresh))
	s.log.Info("configuration reloaded", "changed", strings.Join(live, " "), "domains_added", strings.Join(add, " "), "domains_removed", strings.Join(remove, " "))
}

// logReloadFailure has one record for each fault.
func (s *server) logReloadFailure(err error) {
	for line := range strings.SplitSeq(err.Error(), "\n") {
		s.log.Error("reload failed, nothing was changed", "fault", line)
	}
}

// withLive is l with those values of fresh that a running server takes over.
// What needs a restart stays, so that each reload warns of it again.
func (l *loaded) withLive(fresh *loaded) *loaded {
	merged := *l
	merged.Server.Domains = fresh.Server.Domains
	merged.TLS = fresh.TLS
	merged.Log.Level = fresh.Log.Level
	return &merged
}

// renewCertificates builds a new set for domains and swaps it in; on an error
// the old set stays. The caller holds changes, or is the only one yet.
func (s *server) renewCertificates(conf *loaded, domains []string, now time.Time) error {
	set, err := buildCertificates(conf.TLS.Certificates, domains, filepath.Join(s.conf.Load().Server.Data, "tls"), now)
	if err != nil {
		return err
	}
	s.certs.current.Store(set)
	s.tellOf(set.facts, now)
	return nil
}

// certify sees to it that one more domain has a certificate.
func (s *server) certify(domain string, now time.Time) error {
	before := s.certs.current.Load()
	set, err := before.with(domain, filepath.Join(s.conf.Load().Server.Data, "tls"), now)
	if err != nil {
		return err
	}
	s.certs.current.Store(set)
	s.tellOf(set.facts[len(before.facts):], now)
	return nil
}

// tellOf logs which certificates were made, and what is wrong with them.
func (s *server) tellOf(facts []certificateFact, now time.Time) {
	for _, f := range facts {
		if f.made {
			s.log.Info("self-signed certificate made", "domains", strings.Join(f.Domains, " "), "file", f.File)
		}
		if w := f.warning(now); w != "" {
			s.log.Warn("certificate "+w, "domains", strings.Join(f.Domains, " "), "file", f.File)
		}
	}
}

// renewCertificatesDaily reads all certificates again. Those that near their
// end are warned of or, if self-signed, made anew.
func (s *server) renewCertificatesDaily(now time.Time) {
	s.changes.Lock()
	defer s.changes.Unlock()
	conf := s.conf.Load()
	if err := s.renewCertificates(conf, s.servedDomains(), now); err != nil {
		s.log.Error("certificates not renewed", "error", err)
	}
}

// servedDomains is what is served now, in the order of the configuration, whose
// first domain lends its certificate to unknown names.
func (s *server) servedDomains() []string {
	served := s.engine.Domains()
	configured := s.conf.Load().Server.Domains
	return union(difference(configured, difference(configured, served)), served)
}

// union is a, then what of b is not in a.
func union(a, b []string) []string { return append(slices.Clone(a), difference(b, a)...) }

// difference is what of a is not in b.
func difference(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(x string) bool { return slices.Contains(b, x) })
}

// expiries is when the certificate of each name ends.
func (c *certificates) expiries() map[string]time.Time {
	ends := make(map[string]time.Time)
	for _, f := range c.current.Load().facts {
		for _, d := range f.Domains {
			ends[d] = f.NotAfter
		}
	}
	return ends
}
