//go:build clients

package plays_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xylem-im/xylem/internal/script"
)

// The server under test is named by the environment; test/clients/run sets it.
const (
	envC2S      = "XYLEM_C2S"      // HOST:PORT with STARTTLS
	envC2STLS   = "XYLEM_C2S_TLS"  // HOST:PORT with TLS at once
	envCA       = "XYLEM_CA"       // PEM file with what the server's certificate is checked against
	envUserAdd  = "XYLEM_USER_ADD" // command that makes the account in its last argument, password on standard input
	envScansion = "XYLEM_SCANSION" // folder of .scs files; empty: none are played
)

func TestPlaysSTARTTLS(t *testing.T) {
	opts := serverOptions(t)
	playAll(t, ".", "*.play", func(t *testing.T) net.Conn { return dialTCP(t, os.Getenv(envC2S)) }, opts)
}

// TestPlaysDirectTLS plays those that do not speak of STARTTLS themselves: starttls-*.play.
func TestPlaysDirectTLS(t *testing.T) {
	opts := serverOptions(t)
	cfg := opts.TLS.Clone()
	cfg.ServerName, cfg.NextProtos = "localhost", []string{"xmpp-client"} // XEP-0368 §4
	opts.TLS = nil
	playAll(t, ".", "[^s]*.play", func(t *testing.T) net.Conn {
		conn := tls.Client(dialTCP(t, os.Getenv(envC2STLS)), cfg)
		if err := conn.Handshake(); err != nil {
			t.Fatal(err)
		}
		return conn
	}, opts)
}

// TestScansion plays Prosody's public scripts, if a folder is given.
func TestScansion(t *testing.T) {
	dir := os.Getenv(envScansion)
	if dir == "" {
		t.Logf("%s is not set: nothing to play", envScansion)
		return
	}
	playAll(t, dir, "*.scs", func(t *testing.T) net.Conn { return dialTCP(t, os.Getenv(envC2S)) }, serverOptions(t))
}

func playAll(t *testing.T, dir, pattern string, dial func(*testing.T) net.Conn, opts script.Options) {
	paths, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no plays in %s: %v", dir, err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			script.Run(t, path, func() net.Conn { return dial(t) }, opts)
		})
	}
}

func dialTCP(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, 60*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func serverOptions(t *testing.T) script.Options {
	t.Helper()
	pem, err := os.ReadFile(os.Getenv(envCA))
	if err != nil {
		t.Fatalf("%s: %v", envCA, err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatalf("%s: no certificate in it", envCA)
	}
	made := map[string]bool{}
	return script.Options{
		TLS: &tls.Config{RootCAs: roots},
		Account: func(a script.Account) error {
			if made[a.Address] {
				return nil
			}
			made[a.Address] = true
			return addUser(a)
		},
	}
}

// addUser makes an account; one that exists stays.
func addUser(a script.Account) error {
	argv := append(strings.Fields(os.Getenv(envUserAdd)), a.Address)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin = strings.NewReader(a.Password + "\n")
	if out, err := cmd.CombinedOutput(); err != nil && !strings.Contains(string(out), "exists") {
		return fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, out)
	}
	return nil
}
