package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// reload takes over at run time what can change: certificates, domains,
// components, what holds for other servers and how they are found, the log
// level. Everything is checked before anything changes; a fault changes
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
	roots, err := loadRoots(&fresh.config)
	if err != nil {
		s.logReloadFailure(err)
		return
	}
	add, remove := difference(fresh.Server.Domains, old.Server.Domains), difference(old.Server.Domains, fresh.Server.Domains)
	gone := difference(union(remove, componentDomains(old.Components.Services)), fresh.certifiedDomains())
	if err := s.renewCertificates(fresh, difference(union(fresh.certifiedDomains(), s.servedDomains()), gone), now); err != nil {
		s.logReloadFailure(err)
		return
	}
	s.peers.change(&fresh.config, roots)
	s.engine.RecheckRemotes()
	components := s.takeComponents(old, fresh, func() {
		for _, d := range remove {
			s.engine.RemoveDomain(d)
		}
		for _, d := range add {
			if err := s.engine.AddDomain(d); err != nil { // a component's, which was added at run time
				s.log.Error("domain not added", "domain", d, "error", err)
			}
		}
	})
	s.level.Set(fresh.Log.Level)
	live, restart := changedKeys(&old.config, &fresh.config)
	for _, key := range restart {
		s.log.Warn("changed key needs a restart", "key", key, "at", fresh.originOf(key).String())
	}
	s.conf.Store(old.withLive(fresh))
	s.log.Info("configuration reloaded", "changed", strings.Join(live, " "), "domains_added", abridged(add, " "), "domains_removed", abridged(remove, " "), "components", components)
}

// takeComponents takes over those of fresh; between, when old ones have gone and
// new ones have not come, domains of accounts may change. It tells what has
// changed.
func (s *server) takeComponents(old, fresh *loaded, between func()) string {
	before, now := componentDomains(old.Components.Services), componentDomains(fresh.Components.Services)
	var changes []string
	for _, d := range difference(before, now) {
		s.engine.RemoveComponent(d)
		changes = append(changes, "-"+d)
	}
	between()
	for _, c := range engineComponents(&fresh.config) {
		if err := s.engine.AddComponent(c); err != nil { // a domain that was added at run time
			s.log.Error("component not added", "domain", c.Domain, "error", err)
		}
	}
	for _, d := range difference(now, before) {
		changes = append(changes, "+"+d)
	}
	for _, d := range changedSecrets(old.Components.Services, fresh.Components.Services) {
		changes = append(changes, "~"+d)
	}
	return abridged(changes, " ")
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
	merged.S2S = fresh.S2S
	merged.S2S.Listen, merged.S2S.ListenTLS = l.S2S.Listen, l.S2S.ListenTLS
	merged.DNS.Server = fresh.DNS.Server
	merged.Components.Services = fresh.Components.Services
	merged.Log.Level = fresh.Log.Level
	return &merged
}

// renewCertificates takes over the certificates of conf, and makes those that
// domains lack; on an error the old ones stay. The caller holds changes, or is
// the only one yet.
func (s *server) renewCertificates(conf *loaded, domains []string, now time.Time) error {
	if err := s.certs.update(conf.TLS.Certificates, domains, conf.TLS.Held, now); err != nil {
		return err
	}
	s.tellOf(s.certs.facts(), now)
	return nil
}

// certify sees to it that one more domain has a certificate.
func (s *server) certify(domain string, now time.Time) error {
	facts, err := s.certs.add(domain, now)
	s.tellOf(facts, now)
	return err
}

// most is how many of a kind are told one by one to people.
const most = 20

// tellOf logs which certificates were made, and what is wrong with them.
func (s *server) tellOf(facts []certificateFact, now time.Time) {
	made, wrong := 0, 0
	for _, f := range facts {
		if f.made {
			if made++; made <= most {
				s.log.Info("self-signed certificate made", "domains", strings.Join(f.Domains, " "), "file", f.File)
			}
		}
		if w := f.warning(now); w != "" {
			if wrong++; wrong <= most {
				s.log.Warn("certificate "+w, "domains", strings.Join(f.Domains, " "), "file", f.File)
			}
		}
	}
	if made > most {
		s.log.Info("more self-signed certificates made", "number", made-most)
	}
	if wrong > most {
		s.log.Warn("more certificates have expired, or will soon; xylem status --json lists all", "number", wrong-most)
	}
}

// renewCertificatesDaily reads the certificates whose files have changed. Those
// that near their end are warned of or, if self-signed, made anew.
func (s *server) renewCertificatesDaily(now time.Time) {
	s.changes.Lock()
	defer s.changes.Unlock()
	conf := s.conf.Load()
	if err := s.renewCertificates(conf, s.servedDomains(), now); err != nil {
		s.log.Error("certificates not renewed", "error", err)
	}
}

// servedDomains is what is served now and needs a certificate, in the order of
// the configuration, whose first domain lends its certificate to unknown names.
func (s *server) servedDomains() []string {
	served := s.engine.Domains()
	conf := s.conf.Load()
	configured := conf.Server.Domains
	named := difference(conf.certifiedDomains(), configured) // those of components
	return union(union(difference(configured, difference(configured, served)), served), named)
}

// union is a, then what of b is not in a.
func union(a, b []string) []string { return append(slices.Clone(a), difference(b, a)...) }

// difference is what of a is not in b.
func difference(a, b []string) []string {
	without := make(map[string]struct{}, len(b))
	for _, x := range b {
		without[x] = struct{}{}
	}
	return slices.DeleteFunc(slices.Clone(a), func(x string) bool { _, found := without[x]; return found })
}

// abridged is a list for people: the first few, and how many more there are.
func abridged(list []string, separator string) string {
	if len(list) <= most {
		return strings.Join(list, separator)
	}
	return strings.Join(list[:most], separator) + separator + fmt.Sprintf("+%d", len(list)-most)
}
