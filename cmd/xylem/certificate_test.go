package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

var certificateTime = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// writtenPair writes a certificate for a domain made at now and returns the
// files' names.
func writtenPair(t *testing.T, domain string, now time.Time) (cert, key string) {
	t.Helper()
	c, k, err := makeSelfSigned(domain, now)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	cert, key = filepath.Join(folder, "c.pem"), filepath.Join(folder, "k.pem")
	writePEM(t, cert, c)
	writePEM(t, key, k)
	return cert, key
}

func TestCertificateLookup(t *testing.T) {
	var configured []certificateConfig
	for _, domains := range [][]string{{"a.org"}, {"*.a.org"}, {"bücher.example"}, {}} {
		name := "inside.org"
		if len(domains) > 0 {
			name = domains[0]
		}
		cert, key := writtenPair(t, name, certificateTime)
		configured = append(configured, certificateConfig{Domains: domains, Cert: cert, Key: key})
	}
	store := someCertificates(t, t.TempDir(), 100)
	if err := store.update(configured, []string{"first.org", "a.org", "[::1]"}, 100, certificateTime); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"a.org":                 "a.org",
		"A.ORG":                 "a.org",
		"a.org.":                "a.org",
		"chat.a.org":            "*.a.org",
		"deep.chat.a.org":       "first.org", // a wildcard is for one label
		"bücher.example":        "xn--bcher-kva.example",
		"xn--bcher-kva.example": "xn--bcher-kva.example",
		"inside.org":            "inside.org", // named only in the certificate
		"first.org":             "first.org",
		"unknown.org":           "first.org",
		"":                      "first.org",
		"[::1]":                 "[::1]",
	} {
		got, err := store.Certificate(name)
		if err != nil {
			t.Errorf("%q: %v", name, err)
		} else if cn := got.Leaf.Subject.CommonName; cn != want {
			t.Errorf("%q: got the certificate of %s, want %s", name, cn, want)
		}
	}
	if err := certificateOf(t, store, "[::1]").Leaf.VerifyHostname("::1"); err != nil {
		t.Error(err)
	}
}

// someCertificates is without any yet, and fails the test for what it logs.
func someCertificates(t *testing.T, folder string, limit int) *certificates {
	t.Helper()
	return newCertificates(folder, limit, slog.New(slog.NewTextHandler(failing{t}, &slog.HandlerOptions{Level: slog.LevelWarn})))
}

type failing struct{ t *testing.T }

func (f failing) Write(b []byte) (int, error) {
	f.t.Errorf("logged: %s", b)
	return len(b), nil
}

func certificateOf(t *testing.T, c *certificates, name string) *tls.Certificate {
	t.Helper()
	pair, err := c.Certificate(name)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// A domain that is added reads nothing of the others, whose files may be gone.
func TestOneMoreCertificate(t *testing.T) {
	folder := t.TempDir()
	store := someCertificates(t, folder, 10)
	if err := store.update(nil, []string{"a.org"}, 10, certificateTime); err != nil {
		t.Fatal(err)
	}
	a := certificateOf(t, store, "a.org")
	if err := os.Remove(filepath.Join(folder, "a.org.crt")); err != nil {
		t.Fatal(err)
	}
	if facts, err := store.add("b.org", certificateTime); err != nil || len(facts) != 1 || !facts[0].made || facts[0].Domains[0] != "b.org" {
		t.Errorf("facts %+v, %v", facts, err)
	}
	if certificateOf(t, store, "a.org") != a || certificateOf(t, store, "else.org") != a {
		t.Error("a.org has another certificate than before")
	}
	if certificateOf(t, store, "b.org").Leaf.VerifyHostname("b.org") != nil || len(store.facts()) != 2 {
		t.Errorf("b.org has no certificate of its own: %+v", store.facts())
	}
	if facts, err := store.add("b.org", certificateTime); len(facts) != 0 || err != nil {
		t.Errorf("once more: %+v, %v", facts, err)
	}
}

func TestNoCertificateAtAll(t *testing.T) {
	store := someCertificates(t, t.TempDir(), 1)
	if got, err := store.Certificate("a.org"); got != nil || err == nil {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestBadCertificates(t *testing.T) {
	cert, key := writtenPair(t, "a.org", certificateTime)
	_, otherKey := writtenPair(t, "a.org", certificateTime)
	rubbish := filepath.Join(t.TempDir(), "rubbish.pem")
	writePEM(t, rubbish, []byte("rubbish"))
	at := origin{source: "x.toml", line: 3, column: 3}
	for _, c := range []struct {
		name, cert, key, want string
		domains               []string
	}{
		{"no certificate", "/no/c.pem", key, `x.toml:3:3: tls.certificate.cert = "/no/c.pem": cannot be read: no such file or directory; correct the path`, nil},
		{"no key", cert, "/no/k.pem", `x.toml:3:3: tls.certificate.key = "/no/k.pem": cannot be read: no such file or directory; correct the path`, nil},
		{"rubbish for a certificate", rubbish, key, `x.toml:3:3: tls.certificate.cert = "` + rubbish + `": failed to find any PEM data in certificate input; give a PEM file that begins with the certificate of the server`, nil},
		{"rubbish for a key", cert, rubbish, `x.toml:3:3: tls.certificate.key = "` + rubbish + `": failed to find any PEM data in key input; give the private key that belongs to ` + cert, nil},
		{"exchanged", key, cert, `x.toml:3:3: tls.certificate.cert = "` + key + `": failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched; give a PEM file that begins with the certificate of the server`, nil},
		{"another's key", cert, otherKey, `x.toml:3:3: tls.certificate.key = "` + otherKey + `": private key does not match public key; give the private key that belongs to ` + cert, nil},
		{"another domain", cert, key, `x.toml:3:3: tls.certificate.cert = "` + cert + `": is for a.org, not for b.org; correct domains, or get a certificate that names them`, []string{"b.org"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := someCertificates(t, t.TempDir(), 10)
			err := store.update([]certificateConfig{{Domains: c.domains, Cert: c.cert, Key: c.key, at: at}}, []string{"z.org"}, 10, certificateTime)
			if err == nil || err.Error() != c.want {
				t.Errorf("got:\n%v\nwant:\n%s", err, c.want)
			}
		})
	}
}

// A certificate is made anew near its end, whether the running server sees to
// it or one that starts, with few domains or, by the index, with many.
func TestSelfSignedRenewal(t *testing.T) {
	for _, limit := range []int{10, 1} {
		t.Run(fmt.Sprintf("limit-%d", limit), func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "tls")
			running := someCertificates(t, folder, limit)
			build := func(store *certificates, now time.Time) (*tls.Certificate, certificateFact, error) {
				t.Helper()
				if err := store.update(nil, []string{"a.org", "b.org"}, limit, now); err != nil {
					return nil, certificateFact{}, err
				}
				return certificateOf(t, store, "a.org"), store.facts()[0], nil
			}
			first, fact, _ := build(running, certificateTime)
			if !fact.made || !fact.SelfSigned || first.Leaf.Subject.CommonName != "a.org" {
				t.Errorf("first: %+v", fact)
			}
			end := first.Leaf.NotAfter
			if years := end.Sub(certificateTime).Hours() / 24 / 365; years < 2.9 || years > 3.1 {
				t.Errorf("valid for %.1f years", years)
			}
			if !fact.NotAfter.Equal(end) || !fact.notBefore.Equal(first.Leaf.NotBefore) {
				t.Errorf("%+v is told of a certificate until %s", fact, end)
			}
			for _, store := range []*certificates{running, someCertificates(t, folder, limit)} {
				again, fact, err := build(store, end.Add(-selfSignedRenew-time.Hour))
				if err != nil || fact.made || !again.Leaf.Equal(first.Leaf) {
					t.Errorf("made anew too early: %+v, %v", fact, err)
				}
			}
			renewed, fact, _ := build(running, end.Add(-selfSignedRenew+time.Hour))
			if !fact.made || renewed.Leaf.Equal(first.Leaf) || !renewed.Leaf.NotAfter.After(end) {
				t.Error("not renewed near its end")
			}
			writePEM(t, filepath.Join(folder, "a.org.key"), []byte("rubbish"))
			if _, _, err := build(running, certificateTime); err == nil || !strings.Contains(err.Error(), "delete "+filepath.Join(folder, "a.org.crt")) {
				t.Errorf("broken key: %v", err)
			}
			if err := os.Remove(filepath.Join(folder, "a.org.key")); err != nil {
				t.Fatal(err)
			}
			if _, fact, err := build(someCertificates(t, folder, limit), certificateTime); !fact.made {
				t.Errorf("a lost key was not made anew: %v", err)
			}
		})
	}
}

// What is made can be trusted by name, and only by name.
func TestSelfSignedVerifies(t *testing.T) {
	text, _, err := makeSelfSigned("localhost", certificateTime)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	for name, good := range map[string]bool{"localhost": true, "127.0.0.1": true, "::1": true, "example.org": false} {
		_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name, CurrentTime: certificateTime})
		if (err == nil) != good {
			t.Errorf("%s: %v", name, err)
		}
	}
	if leaf.IsCA {
		t.Error("it is a certificate authority")
	}
	long := strings.Repeat("a", 60) + "." + strings.Repeat("b", 60) + ".org"
	if _, _, err := makeSelfSigned(long, certificateTime); err != nil {
		t.Errorf("long name: %v", err)
	}
}

func TestCertificateWarnings(t *testing.T) {
	day := 24 * time.Hour
	for _, c := range []struct {
		name string
		fact certificateFact
		want string
	}{
		{"good", certificateFact{NotAfter: certificateTime.Add(90 * day)}, ""},
		{"near its end", certificateFact{NotAfter: certificateTime.Add(10*day + time.Hour)}, "expires in 10 days"},
		{"near its end, but renewed by us", certificateFact{NotAfter: certificateTime.Add(10 * day), SelfSigned: true}, ""},
		{"expired", certificateFact{NotAfter: certificateTime.Add(-day)}, "has expired on 2026-04-30"},
		{"not yet", certificateFact{NotAfter: certificateTime.Add(90 * day), notBefore: certificateTime.Add(day)}, "is not valid before 2026-05-02"},
	} {
		if got := c.fact.warning(certificateTime); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:5222": true, "127.9.9.9:0": true, "[::1]:5222": true, "localhost:5222": true,
		":5222": false, "0.0.0.0:5222": false, "[::]:5222": false, "192.0.2.1:5222": false, "example.org:1": false,
	} {
		if got := isLoopback(address); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
}

func TestListenRemedies(t *testing.T) {
	l, err := listen("203.0.113.77:0") // TEST-NET-3, RFC 5737: nobody has it
	if err == nil {
		_ = l.Close()
	}
	if want := "cannot listen tcp 203.0.113.77:0: bind: cannot assign requested address: this machine does not have that address; use one of its own, or [::] for all"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	for _, c := range []struct {
		cause error
		want  string
	}{
		{&net.DNSError{Err: "no such host", Name: "x.invalid"}, "cannot lookup x.invalid: no such host: the host name is not known here; write an IP address"},
		{os.NewSyscallError("bind", syscall.EACCES), "cannot bind: permission denied: ports below 1024 need CAP_NET_BIND_SERVICE (in systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE)"},
	} {
		if got := explainListen(&net.OpError{Op: "listen", Net: "tcp", Err: c.cause}); got.Error() != c.want {
			t.Errorf("got %v, want %s", got, c.want)
		}
	}
	if err := explainListen(net.ErrClosed); err != net.ErrClosed {
		t.Errorf("another error became %v", err)
	}
}
