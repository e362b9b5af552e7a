package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// manyDomains writes a pair for each of n domains, links to one, and their names.
func manyDomains(t testing.TB, folder string, n int) []string {
	t.Helper()
	cert, key, err := makeSelfSigned("customer.example.org", time.Now())
	if err == nil {
		err = writePair(filepath.Join(folder, "one.crt"), cert, filepath.Join(folder, "one.key"), key)
	}
	if err != nil {
		t.Fatal(err)
	}
	domains := make([]string, n)
	for i := range domains {
		domains[i] = fmt.Sprintf("customer-%05d.example.org", i)
		for _, end := range []string{".crt", ".key"} {
			if err := os.Link(filepath.Join(folder, "one"+end), filepath.Join(folder, domains[i]+end)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return domains
}

func heapNow() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Two thousand domains cost a running server less than 4 KB each, with all their
// certificates in use: names, routing, what is kept of the pairs, the cache of
// the parsed ones.
func TestManyDomainsAreCheap(t *testing.T) {
	const n = 2000
	data := t.TempDir()
	domains := manyDomains(t, filepath.Join(data, "tls"), n)
	path := writeConfig(t, "[server]\ndomains = [\""+strings.Join(domains, "\",\n\"")+"\"]\n[limits]\ncertificates = 500\n")

	cost := func(data string, served []string, args ...string) uint64 {
		s := startServer(t, data, args...)
		for _, name := range served {
			if err := s.shown(name).VerifyHostname("customer.example.org"); err != nil {
				t.Error(err)
			}
		}
		used := heapNow()
		s.stop(os.Interrupt)
		return used
	}
	alone := cost(t.TempDir(), nil)
	all := cost(data, domains[:20], "--config", path)
	if each := (int64(all) - int64(alone)) / n; each > 4096 {
		t.Errorf("a domain costs %d bytes", each)
	} else {
		t.Logf("a domain costs %d bytes", each)
	}
}

// The cache holds the pairs used last, and those alone.
func TestPairCache(t *testing.T) {
	reads := make(map[string]int)
	c := newPairCache(2, func(k *keptPair) (*tls.Certificate, error) {
		if reads[k.names[0]]++; k.names[0] == "bad" {
			return nil, errNoCertificate
		}
		return new(tls.Certificate), nil
	})
	set := newCertificateSet()
	for _, name := range []string{"a", "b", "c", "bad"} {
		set.add(&keptPair{names: []string{name}})
	}
	get := func(names string) string {
		clear(reads)
		for name := range strings.FieldsSeq(names) {
			if pair, err := c.get(set.byName[name]); (err == nil) != (pair != nil) {
				t.Errorf("%s: %v, %v", name, pair, err)
			}
		}
		return strings.TrimPrefix(fmt.Sprint(reads), "map")
	}
	for _, step := range []struct{ names, want string }{
		{"a b a b", "[a:1 b:1]"},
		{"a c a", "[c:1]"}, // b was used least recently
		{"b c", "[b:1 c:1]"},
		{"bad bad", "[bad:2]"}, // a failure is not kept, and displaces nothing
		{"b c", "[]"},
	} {
		if got := get(step.names); got != step.want {
			t.Errorf("%s: read %s, want %s", step.names, got, step.want)
		}
	}
	other := newCertificateSet()
	other.add(set.byName["c"])
	c.retain(other)
	if got := get("c b"); got != "[b:1]" {
		t.Errorf("after another set: read %s", got)
	}
	c.resize(1)
	if len(c.held) != 1 || c.order.Len() != 1 {
		t.Errorf("%d held", len(c.held))
	}
}

// Handshakes that want one pair at the same time read it once.
func TestPairCacheMerges(t *testing.T) {
	const n = 8
	var reads atomic.Int32
	begun, free := make(chan struct{}), make(chan struct{})
	c := newPairCache(1, func(*keptPair) (*tls.Certificate, error) {
		reads.Add(1)
		close(begun)
		<-free
		return new(tls.Certificate), nil
	})
	kept := &keptPair{names: []string{"a"}}
	var all sync.WaitGroup
	pairs := make([]*tls.Certificate, n)
	fetch := func(i int) func() { return func() { pairs[i], _ = c.get(kept) } }
	all.Go(fetch(0))
	<-begun
	for i := 1; i < n; i++ {
		all.Go(fetch(i))
	}
	close(free)
	all.Wait()
	for _, p := range pairs {
		if p == nil || p != pairs[0] {
			t.Errorf("got %p and %p", p, pairs[0])
		}
	}
	if reads.Load() != 1 {
		t.Errorf("read %d times", reads.Load())
	}
}

// With more pairs than are held, a start and a reload read only what changed; a
// bad file changes nothing.
func TestManyCertificatesAreNotReadAgain(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "tls")
	domains := manyDomains(t, folder, 30)
	cert, key := writtenPair(t, "configured.org", certificateTime)
	configured := []certificateConfig{{Cert: cert, Key: key}}
	open := func() *certificates { return newCertificates(folder, 5, slog.New(slog.DiscardHandler)) }
	c := open()
	if err := c.update(configured, domains, 5, certificateTime); err != nil {
		t.Fatal(err)
	}
	before := c.set.pairs
	if err := c.update(configured, domains, 5, certificateTime); err != nil {
		t.Fatal(err)
	}
	for i, k := range c.set.pairs {
		if k != before[i] {
			t.Errorf("%s was read again", k.names)
		}
	}
	if len(c.cache.held) > 5 {
		t.Errorf("%d held", len(c.cache.held))
	}

	second := open()
	if err := second.update(configured, domains, 5, certificateTime); err != nil {
		t.Fatal(err)
	}
	if len(second.cache.held) != 0 {
		t.Errorf("the start read %d pairs in spite of the index", len(second.cache.held))
	}
	for i, k := range second.set.pairs {
		if k != second.set.find(k.names[0]) || k.cert != before[i].cert || k.key != before[i].key || k.stamp != before[i].stamp || k.notAfter != before[i].notAfter || k.named != before[i].named {
			t.Errorf("the index has %+v for %+v", k, before[i])
		}
	}
	if got := certificateOf(t, second, "configured.org").Leaf.Subject.CommonName; got != "configured.org" {
		t.Errorf("certificate of %s", got)
	}

	writePEM(t, cert, []byte("rubbish"))
	if err := second.update(configured, domains, 5, certificateTime); err == nil {
		t.Error("a bad file was taken over")
	}
	if got := certificateOf(t, second, "configured.org").Leaf.Subject.CommonName; got != "configured.org" {
		t.Errorf("after a bad file: certificate of %s", got)
	}
	if err := os.WriteFile(filepath.Join(folder, indexName), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	third := open()
	if err := third.update(nil, domains, 5, certificateTime); err != nil || len(third.cache.held) != 5 {
		t.Errorf("without a good index %d are held, %v", len(third.cache.held), err)
	}
}

// A pair that goes bad while nobody looks fails the handshakes of its domain
// alone, and is told of.
func TestCertificateGoesBad(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "tls")
	domains := manyDomains(t, folder, 3)
	var log strings.Builder
	c := newCertificates(folder, 1, slog.New(slog.NewTextHandler(&log, nil)))
	if err := c.update(nil, domains, 1, certificateTime); err != nil {
		t.Fatal(err)
	}
	certificateOf(t, c, domains[0])
	writeOver := filepath.Join(folder, domains[1]+".key")
	if err := errors.Join(os.Remove(writeOver), os.WriteFile(writeOver, []byte("rubbish"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if pair, err := c.Certificate(domains[1]); err == nil || pair != nil {
		t.Errorf("got %v, %v", pair, err)
	}
	if !strings.Contains(log.String(), domains[1]) || !strings.Contains(log.String(), "cannot be used any more") {
		t.Errorf("log: %s", log.String())
	}
	certificateOf(t, c, domains[2])
}

func BenchmarkManyDomains(b *testing.B) {
	const n = 10_000
	folder := filepath.Join(b.TempDir(), "tls")
	domains := manyDomains(b, folder, n)
	c := newCertificates(folder, 1000, slog.New(slog.DiscardHandler))
	if err := c.update(nil, domains, 1000, time.Now()); err != nil {
		b.Fatal(err)
	}
	b.Run("start", func(b *testing.B) {
		for b.Loop() {
			fresh := newCertificates(folder, 1000, slog.New(slog.DiscardHandler))
			if err := fresh.update(nil, domains, 1000, time.Now()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("reload", func(b *testing.B) {
		for b.Loop() {
			if err := c.update(nil, domains, 1000, time.Now()); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, use := range []struct {
		name string
		of   int
	}{{"hot", 1}, {"cold", n}} {
		b.Run(use.name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				if _, err := c.Certificate(domains[i%use.of]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
