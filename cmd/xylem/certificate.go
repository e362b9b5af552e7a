package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/idna"
)

// certificates answers the engine which certificate to show. What is known of
// all of them is little (see keptPair); the parsed pairs are held by a cache, so
// that a thousand domains cost what a thousand names cost. Safe for concurrent
// use.
type certificates struct {
	folder string // of the self-signed ones and the index
	log    *slog.Logger
	cache  *pairCache

	mu  sync.RWMutex // for microseconds; handshakes are not on a loop
	set *certificateSet
}

// newCertificates is without any; update fills it. limit is how many parsed
// pairs are held.
func newCertificates(folder string, limit int, log *slog.Logger) *certificates {
	c := &certificates{folder: folder, log: log, set: newCertificateSet()}
	c.cache = newPairCache(limit, c.load)
	return c
}

// Certificate finds the certificate of a domain: its own, then that of a
// wildcard one label up (RFC 9525 §6.3), then that of the first domain. It
// reads files when the pair is not in the cache.
func (c *certificates) Certificate(serverName string) (*tls.Certificate, error) {
	c.mu.RLock()
	kept := c.set.find(serverName)
	if kept == nil {
		kept = c.set.fallback
	}
	c.mu.RUnlock()
	if kept == nil {
		return nil, errNoCertificate
	}
	return c.cache.get(kept)
}

var errNoCertificate = errors.New("no certificate is configured")

// load reads a pair that was found good before. A fault means that its files
// were changed since, and that nobody sent a SIGHUP, which would have told.
func (c *certificates) load(kept *keptPair) (*tls.Certificate, error) {
	cert, key := kept.files(c.folder)
	pair, err := readPair(certificateConfig{Domains: kept.configured(), Cert: cert, Key: key})
	if err != nil {
		c.log.Error("certificate cannot be used any more; clients of the domain cannot connect", "domains", strings.Join(kept.names, " "), "fault", err.Error())
		return nil, err
	}
	return pair, nil
}

// update replaces the certificates by those of the configuration and the
// domains; on an error the old ones stay. Files that are as they were are not
// read again. One update or add at a time.
func (c *certificates) update(configured []certificateConfig, domains []string, limit int, now time.Time) error {
	c.cache.resize(limit)
	set, err := c.build(configured, domains, now)
	if err == nil {
		c.mu.Lock()
		c.set = set
		c.mu.Unlock()
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	c.cache.retain(c.set)
	return err
}

// add makes a self-signed certificate for one more domain, unless it has one,
// and tells of it. Nothing else is looked at, so that thousands of domains may
// be added one by one.
func (c *certificates) add(domain string, now time.Time) ([]certificateFact, error) {
	c.mu.RLock()
	found := c.set.find(domain)
	c.mu.RUnlock()
	if found != nil {
		return nil, nil
	}
	b := certificateBuild{certificates: c, now: now}
	kept, err := b.selfSigned(&keptPair{names: []string{domain}})
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if kept.made() {
		kept.generation = c.set.generation
	}
	c.set.add(kept)
	if c.set.fallback == nil {
		c.set.fallback = kept
	}
	return []certificateFact{c.set.fact(kept, c.folder)}, nil
}

// facts are what people are told of all certificates, in the order of the
// configuration.
func (c *certificates) facts() []certificateFact {
	c.mu.RLock()
	defer c.mu.RUnlock()
	facts := make([]certificateFact, len(c.set.pairs))
	for i, kept := range c.set.pairs {
		facts[i] = c.set.fact(kept, c.folder)
	}
	return facts
}

// readPair reads a certificate and its key, and checks them as far as it can.
func readPair(c certificateConfig) (*tls.Certificate, *configError) {
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
