package main

import (
	"cmp"
	"crypto/tls"
	"errors"
	"io/fs"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// certificateBuild makes a set. What the set before it, or the index, says of a
// file is taken over while the file has the same stamp.
type certificateBuild struct {
	*certificates
	now        time.Time
	generation uint32
	known      map[string]*keptPair // by the certificate's file
	read       atomic.Int64         // pairs that were read or made
}

// build loads the configured certificates and adds a self-signed one for each
// domain that has none. The faults name the lines of the configuration.
//
// With no more pairs than the cache holds, all are read at the start. With
// more the index tells which are known to be good, since reading ten thousand
// takes seconds.
func (c *certificates) build(configured []certificateConfig, domains []string, now time.Time) (*certificateSet, error) {
	many := len(configured)+len(domains) > c.cache.limit
	known := c.set.pairs
	if many && len(known) == 0 {
		known = readIndex(c.folder)
	}
	b := &certificateBuild{certificates: c, now: now, generation: c.set.generation + 1, known: make(map[string]*keptPair, len(known))}
	for _, k := range known {
		file, _ := k.files(c.folder)
		b.known[file] = k
	}
	set := newCertificateSet()
	set.generation = b.generation
	if err := b.addConfigured(set, configured); err != nil {
		return nil, err
	}
	if err := b.addSelfSigned(set, domains); err != nil {
		return nil, err
	}
	if len(domains) > 0 {
		set.fallback = set.find(domains[0])
	}
	if many && (b.read.Load() > 0 || len(known) != len(set.pairs)) {
		if err := writeIndex(c.folder, set.pairs); err != nil {
			c.log.Warn("index of the certificates not written; the next start reads all of them", "error", err)
		}
	}
	return set, nil
}

func (b *certificateBuild) addConfigured(set *certificateSet, configured []certificateConfig) error {
	pairs, faults := make([]*keptPair, len(configured)), make([]*configError, len(configured))
	inParallel(len(configured), func(i int) { pairs[i], faults[i] = b.configured(&configured[i]) })
	if faults = slices.DeleteFunc(faults, func(e *configError) bool { return e == nil }); len(faults) > 0 {
		return configErrors(faults).err()
	}
	for _, k := range pairs {
		set.add(k)
	}
	return nil
}

// configured is one certificate of the configuration.
func (b *certificateBuild) configured(c *certificateConfig) (*keptPair, *configError) {
	s, statErr := stampOf(c.Cert, c.Key)
	if old := b.known[c.Cert]; statErr == nil && old != nil && old.stamp == s && old.key == c.Key && slices.Equal(old.configured(), c.Domains) {
		return old, nil
	}
	b.read.Add(1)
	pair, fault := readPair(*c)
	if fault != nil {
		return nil, fault
	}
	k := &keptPair{names: c.Domains, cert: c.Cert, key: c.Key, stamp: s}
	if len(k.names) == 0 {
		k.names, k.named = pair.Leaf.DNSNames, true
	}
	if len(k.names) == 0 {
		return nil, &configError{at: c.at, key: certificateKey + ".cert", value: valueText(c.Cert),
			problem: "the certificate names no domain", mend: `add domains = ["example.org"]`}
	}
	b.keep(k, pair)
	return k, nil
}

func (b *certificateBuild) addSelfSigned(set *certificateSet, domains []string) error {
	var lacking []*keptPair
	for _, d := range domains {
		if set.find(d) == nil {
			lacking = append(lacking, &keptPair{names: []string{d}})
		}
	}
	faults := make([]error, len(lacking))
	inParallel(len(lacking), func(i int) { lacking[i], faults[i] = b.selfSigned(lacking[i]) })
	for i, k := range lacking {
		if faults[i] != nil {
			return faults[i]
		}
		set.add(k)
	}
	return nil
}

// selfSigned is the certificate that this program made for a domain, the only
// name of blank: the one that is in the folder, or a new one when there is
// none or it nears its end.
func (b *certificateBuild) selfSigned(blank *keptPair) (*keptPair, error) {
	cert, key := blank.files(b.folder)
	s, err := stampOf(cert, key)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if old := b.known[cert]; err == nil && old != nil && old.cert == "" && old.stamp == s && !nearsEnd(time.Unix(old.notAfter, 0), b.now) {
		return old, nil
	}
	b.read.Add(1)
	pair, made, err := selfSigned(blank.names[0], cert, key, b.now)
	if err != nil {
		return nil, err
	}
	if made {
		blank.generation = max(b.generation, 1)
		if s, err = stampOf(cert, key); err != nil {
			return nil, err
		}
	}
	blank.stamp = s
	b.keep(blank, pair)
	return blank, nil
}

// keep notes of a pair what need not be read again.
func (b *certificateBuild) keep(k *keptPair, pair *tls.Certificate) {
	k.notBefore, k.notAfter = pair.Leaf.NotBefore.Unix(), pair.Leaf.NotAfter.Unix()
	b.cache.offer(k, pair)
}

// parallel is how many files are waited for at a time: while one is synced, the
// others are hashed, and their syncs are merged by the file system.
const parallel = 32

// inParallel calls f for each number below n, several at a time.
func inParallel(n int, f func(i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(n, parallel) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	all.Wait()
}

// firstToEnd sorts what ends first to the front.
func firstToEnd(facts []certificateFact) {
	slices.SortStableFunc(facts, func(a, b certificateFact) int { return cmp.Compare(a.NotAfter.Unix(), b.NotAfter.Unix()) })
}
