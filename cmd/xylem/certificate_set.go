package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// certificateSet is the certificates of one configuration by name. It is
// guarded by certificates.mu.
type certificateSet struct {
	byName     map[string]*keptPair // prepared and ASCII names; "*.example.org" too
	pairs      []*keptPair          // the configured ones, then those of this program
	fallback   *keptPair            // of the first domain; nil when there is none
	generation uint32
}

// keptPair is what is kept of a certificate and its key that were found good:
// where they are and what need not be read again, in about 100 bytes.
// It is not changed once others can see it.
type keptPair struct {
	names      []string // prepared; of the configuration if named is unset, else of the certificate
	cert, key  string   // files; "" for those that this program made, which go by their name
	stamp      stamp    // of the files, taken before they were read
	notBefore  int64    // Unix seconds
	notAfter   int64
	generation uint32 // of the set for which this program made the pair; 0 for all others
	named      bool
}

// files are where the pair is; folder has those that this program made.
func (k *keptPair) files(folder string) (cert, key string) {
	if k.cert != "" {
		return k.cert, k.key
	}
	base := filepath.Join(folder, selfSignedName(k.names[0]))
	return base + ".crt", base + ".key"
}

// configured are the names that the configuration gives the pair.
func (k *keptPair) configured() []string {
	if k.named || k.cert == "" {
		return nil
	}
	return k.names
}

// made tells whether the pair is new: made by this run of the program.
func (k *keptPair) made() bool { return k.generation != 0 }

func newCertificateSet() *certificateSet { return &certificateSet{byName: make(map[string]*keptPair)} }

// find is the certificate of a name as the stream or TLS spells it, or nil.
func (s *certificateSet) find(name string) *keptPair {
	if k := s.byName[name]; k != nil {
		return k
	}
	ascii := asciiName(strings.TrimSuffix(name, "."))
	if k := s.byName[ascii]; k != nil {
		return k
	}
	if _, parent, ok := strings.Cut(ascii, "."); ok {
		return s.byName["*."+parent]
	}
	return nil
}

// add enters a certificate under its names and under their ASCII forms, which
// are what TLS carries. The first one of a name stays.
func (s *certificateSet) add(k *keptPair) {
	for _, name := range k.names {
		for _, n := range []string{name, asciiName(name)} {
			if s.byName[n] == nil {
				s.byName[n] = k
			}
		}
	}
	s.pairs = append(s.pairs, k)
}

// certificateFact is what people are told of a certificate.
type certificateFact struct {
	Domains    []string  `json:"domains"`
	File       string    `json:"file"`
	NotAfter   time.Time `json:"not_after"`
	SelfSigned bool      `json:"self_signed"` // made by this program
	made       bool      // for this set
	notBefore  time.Time
}

func (s *certificateSet) fact(k *keptPair, folder string) certificateFact {
	file, _ := k.files(folder)
	return certificateFact{
		Domains: k.names, File: file, SelfSigned: k.cert == "",
		notBefore: time.Unix(k.notBefore, 0).UTC(), NotAfter: time.Unix(k.notAfter, 0).UTC(),
		made: k.made() && k.generation == s.generation,
	}
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

// describe is the certificate in one line for people.
func (f certificateFact) describe(now time.Time) string {
	kind := ""
	switch {
	case f.made:
		kind = "self-signed, made now, "
	case f.SelfSigned:
		kind = "self-signed, "
	}
	line := fmt.Sprintf("certificate: %s: %svalid until %s (%s)", strings.Join(f.Domains, ", "), kind, f.NotAfter.Format(time.DateOnly), f.File)
	if w := f.warning(now); w != "" {
		line += "; WARNING: it " + w
	}
	return line
}
