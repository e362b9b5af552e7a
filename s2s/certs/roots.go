package certs

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"sync"
)

// Sources are where trusted authorities come from.
type Sources struct {
	// Files hold certificates in PEM. Those of authorities are trusted with what
	// they issue, those of single servers with their own names.
	Files []string
	// NoSystem leaves out the authorities that the operating system trusts, for a
	// closed federation.
	NoSystem bool
}

// Roots are the authorities trusted with certificates of other servers. The zero
// value has those of the system, which it reads when it is first asked. Safe for
// concurrent use.
type Roots struct {
	mu   sync.Mutex
	pool *x509.CertPool // nil: not read yet
}

// Load reads s and puts it in place of what was there. After an error, which names
// the file, all stays as it was. The authorities of the system are read once in the
// life of a process.
func (r *Roots) Load(s Sources) error {
	pool, err := s.read()
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pool = pool
	return nil
}

// get returns the pool, which is not modified any more.
func (r *Roots) get() (*x509.CertPool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pool != nil {
		return r.pool, nil
	}
	pool, err := Sources{}.read()
	if err != nil {
		return nil, err
	}
	r.pool = pool
	return pool, nil
}

func (s Sources) read() (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !s.NoSystem {
		system, err := x509.SystemCertPool()
		if err != nil {
			return nil, fmt.Errorf("the authorities that the system trusts cannot be read: %w; "+
				"install the package ca-certificates", err)
		}
		pool = system
	}
	for _, name := range s.Files {
		if err := addFile(pool, name); err != nil {
			return nil, err
		}
	}
	return pool, nil
}

// addFile adds every certificate of a file, or fails: one that is left out
// without a word would be missed only when a peer shows it.
func addFile(pool *x509.CertPool, name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	count := 0
	for {
		var b *pem.Block
		if b, text = pem.Decode(text); b == nil {
			break
		}
		if b.Type != "CERTIFICATE" {
			continue // such as keys in a combined file
		}
		cert, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			return fmt.Errorf("%s: certificate %d: %w", name, count+1, err)
		}
		pool.AddCert(cert)
		count++
	}
	if count == 0 {
		return fmt.Errorf("%s: holds no certificate in PEM (-----BEGIN CERTIFICATE-----)", name)
	}
	return nil
}
