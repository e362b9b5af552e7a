package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/idna"
)

// certificates answers the engine which certificate to show. Reads are one
// atomic load; a reload swaps the whole set. Safe for concurrent use.
type certificates struct {
	current atomic.Pointer[certificateSet]
}

// Certificate finds the certificate of a domain: its own, then that of a
// wildcard one label up (RFC 9525 §6.3), then that of the first domain.
func (c *certificates) Certificate(serverName string) (*tls.Certificate, error) {
	set := c.current.Load()
	if found := set.find(serverName); found != nil {
		return found, nil
	}
	if set.fallback == nil {
		return nil, errNoCertificate
	}
	return set.fallback, nil
}

var errNoCertificate = errors.New("no certificate is configured")

// certificateSet is one generation of certificates, unchanged once built.
type certificateSet struct {
	byName   map[string]*tls.Certificate // prepared and ASCII names; "*.example.org" too
	fallback *tls.Certificate
	facts    []certificateFact
}

// certificateFact is what people are told of a certificate.
type certificateFact struct {
	Domains    []string  `json:"domains"`
	File       string    `json:"file"`
	NotAfter   time.Time `json:"not_after"`
	SelfSigned bool      `json:"self_signed"` // made by this program
	made       bool      // in this build of the set
	notBefore  time.Time
}

// warning is what is wrong with the certificate at the time now, or "".
func (f certificateFact) warning(now time.Time) string {
	switch left := f.NotAfter.Sub(now); {
	case now.Before(f.notBefore):
		return "is not valid before " + f.notBefore.Format(time.DateOnly)
	case left <= 0:
		return "has expired on " + f.NotAfter.Format(time.DateOnly)
	case left < 14*24*time.Hour && !f.SelfSigned:
		return fmt.Sprintf("expires in %d days", int(left.Hours()/24))
	}
	return ""
}

// find is the certificate of a name as the stream or TLS spells it, or nil.
func (s *certificateSet) find(name string) *tls.Certificate {
	if c := s.byName[name]; c != nil {
		return c
	}
	ascii := asciiName(strings.TrimSuffix(name, "."))
	if c := s.byName[ascii]; c != nil {
		return c
	}
	if _, parent, ok := strings.Cut(ascii, "."); ok {
		return s.byName["*."+parent]
	}
	return nil
}

// add enters a certificate under a name and under the ASCII form of it, which
// is what TLS carries. The first one of a name stays.
func (s *certificateSet) add(name string, c *tls.Certificate) {
	for _, n := range []string{name, asciiName(name)} {
		if s.byName[n] == nil {
			s.byName[n] = c
		}
	}
}

// asciiName is a domain as DNS and TLS write it; name itself where IDNA has no
// form of it (IP addresses, which stay as they are).
func asciiName(name string) string {
	prefix := ""
	if rest, wild := strings.CutPrefix(name, "*."); wild {
		prefix, name = "*.", rest
	}
	if a, err := idna.ToASCII(name); err == nil {
		name = a
	}
	return prefix + strings.ToLower(name)
}

// buildCertificates loads the configured certificates and adds a self-signed
// one, kept in folder, for each domain that has none. The faults name the
// lines of the configuration.
func buildCertificates(configured []certificateConfig, domains []string, folder string, now time.Time) (*certificateSet, error) {
	set := &certificateSet{byName: make(map[string]*tls.Certificate)}
	var faults configErrors
	for _, c := range configured {
		pair, err := loadPair(c)
		if err != nil {
			faults.add(err)
			continue
		}
		names := c.Domains
		if len(names) == 0 {
			names = pair.Leaf.DNSNames
		}
		if len(names) == 0 {
			faults.add(&configError{at: c.at, key: certificateKey + ".cert", value: valueText(c.Cert),
				problem: "the certificate names no domain", mend: `add domains = ["example.org"]`})
			continue
		}
		set.addPair(names, c.Cert, pair, false)
	}
	if err := faults.err(); err != nil {
		return nil, err
	}
	for _, d := range domains {
		if set.find(d) != nil {
			continue
		}
		pair, file, made, err := selfSigned(folder, d, now)
		if err != nil {
			return nil, err
		}
		set.addPair([]string{d}, file, pair, true)
		set.facts[len(set.facts)-1].made = made
	}
	if len(domains) > 0 {
		set.fallback = set.find(domains[0])
	}
	return set, nil
}

// with is the set with a self-signed certificate for one more domain, unless it
// has one for it. Nothing else is read again, so that thousands of domains may
// be added one by one.
func (s *certificateSet) with(domain, folder string, now time.Time) (*certificateSet, error) {
	if s.find(domain) != nil {
		return s, nil
	}
	pair, file, made, err := selfSigned(folder, domain, now)
	if err != nil {
		return nil, err
	}
	next := &certificateSet{byName: maps.Clone(s.byName), fallback: s.fallback, facts: slices.Clip(s.facts)}
	next.addPair([]string{domain}, file, pair, true)
	next.facts[len(next.facts)-1].made = made
	if next.fallback == nil {
		next.fallback = pair
	}
	return next, nil
}

func (s *certificateSet) addPair(names []string, file string, pair *tls.Certificate, self bool) {
	for _, n := range names {
		s.add(n, pair)
	}
	s.facts = append(s.facts, certificateFact{Domains: names, File: file, NotAfter: pair.Leaf.NotAfter, notBefore: pair.Leaf.NotBefore, SelfSigned: self})
}

// loadPair reads one configured certificate and its key.
func loadPair(c certificateConfig) (*tls.Certificate, *configError) {
	fault := func(key, file, problem, mend string) *configError {
		return &configError{at: c.at, key: certificateKey + "." + key, value: valueText(file), problem: problem, mend: mend}
	}
	cert, err := os.ReadFile(c.Cert)
	if err != nil {
		return nil, fault("cert", c.Cert, "cannot be read: "+unwrapPath(err), fileRemedy(err))
	}
	key, err := os.ReadFile(c.Key)
	if err != nil {
		return nil, fault("key", c.Key, "cannot be read: "+unwrapPath(err), fileRemedy(err))
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		which, file, mend := "key", c.Key, "give the private key that belongs to "+c.Cert
		if strings.Contains(err.Error(), "certificate input") || strings.HasPrefix(err.Error(), "x509:") {
			which, file, mend = "cert", c.Cert, "give a PEM file that begins with the certificate of the server"
		}
		return nil, fault(which, file, strings.TrimPrefix(err.Error(), "tls: "), mend)
	}
	if problem := uncovered(c.Domains, pair.Leaf); problem != "" {
		return nil, fault("cert", c.Cert, problem, "correct domains, or get a certificate that names them")
	}
	return &pair, nil
}

func fileRemedy(err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return "let the user that xylem runs as read the file"
	}
	return "correct the path"
}

// uncovered says which of the domains the certificate does not name. A
// certificate without DNS names (RFC 6120 §13.7.1.2.1 also knows SRVName and
// XmppAddr) is taken as it is.
func uncovered(domains []string, leaf *x509.Certificate) string {
	if len(leaf.DNSNames) == 0 {
		return ""
	}
	for _, d := range domains {
		a := asciiName(d)
		if slices.Contains(leaf.DNSNames, a) || leaf.VerifyHostname(a) == nil {
			continue
		}
		return fmt.Sprintf("is for %s, not for %s", strings.Join(leaf.DNSNames, ", "), d)
	}
	return ""
}
