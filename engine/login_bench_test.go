package engine_test

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/session/sasl"
)

// BenchmarkLogin is a login by SCRAM-SHA-256 as RFC 6120 has it, binding, and logout,
// in one process without sockets, both ends: what a storm of logins costs but for the
// kernel's part. The client does as little as it can. cpu-ns/op counts the threads
// that run beside the benchmark, too.
func BenchmarkLogin(b *testing.B) {
	s := serve(b, func(cfg *engine.Config) {
		withStore(cfg)
		cfg.Loops = 1
	})
	s.create(b, "alice@localhost")
	cfg := clientTLS("localhost")
	cfg.MinVersion, cfg.CurvePreferences = tls.VersionTLS13, []tls.CurveID{tls.X25519}
	for _, secured := range []*tls.Config{nil, cfg} {
		name := "clear"
		if secured != nil {
			name = "TLS"
		}
		b.Run(name, func(b *testing.B) {
			c := &leanClient{b: b}
			c.login(s, secured) // PBKDF2, once
			b.ReportAllocs()
			before := cpu()
			for b.Loop() {
				c.login(s, secured)
			}
			b.ReportMetric(float64(cpu()-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// leanClient compares bytes instead of parsing.
type leanClient struct {
	net.Conn
	b    *testing.B
	keys sasl.KeyMemory
	buf  [4096]byte
}

// login logs alice in and out.
func (c *leanClient) login(s *server, secured *tls.Config) {
	b := c.b
	conn, err := s.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	c.Conn = conn
	if secured != nil {
		c.ask(streamHeader, "</stream:features>")
		c.ask("<starttls xmlns='"+nsTLS+"'/>", "<proceed")
		c.Conn = tls.Client(conn, secured)
	}
	c.ask(streamHeader, "</stream:features>")
	client, err := sasl.NewClient(sasl.SCRAMSHA256, sasl.ClientConfig{Username: "alice", Password: "secret", Keys: &c.keys})
	if err != nil {
		b.Fatal(err)
	}
	challenge := c.ask(fmt.Sprintf("<auth xmlns='%s' mechanism='%s'>%s</auth>", nsSASL, sasl.SCRAMSHA256, encode(client.First())), "</challenge>")
	response, err := client.Next(textOf(b, challenge))
	if err != nil {
		b.Fatal(err)
	}
	success := c.ask(fmt.Sprintf("<response xmlns='%s'>%s</response>", nsSASL, encode(response)), "</success>")
	if err := client.Finish(textOf(b, success)); err != nil {
		b.Fatal(err)
	}
	c.ask(streamHeader, "</stream:features>")
	c.ask("<iq type='set' id='bind'><bind xmlns='"+nsBind+"'><resource>bench</resource></bind></iq>", "</iq>")
	c.ask("</stream:stream>", "</stream:stream>")
	for err == nil { // the server ends its side, too
		_, err = c.Read(c.buf[:])
	}
	if err != io.EOF {
		b.Fatal(err)
	}
}

// ask sends, and reads until that has come. The answer is valid until the next call.
func (c *leanClient) ask(xml, until string) []byte {
	if _, err := c.Write([]byte(xml)); err != nil {
		c.b.Fatal(err)
	}
	n := 0
	for !bytes.Contains(c.buf[:n], []byte(until)) {
		read, err := c.Read(c.buf[n:])
		if err != nil {
			c.b.Fatalf("%v after %q", err, c.buf[:n])
		}
		n += read
	}
	return c.buf[:n]
}

// textOf is what an element that was waited for has in base64.
func textOf(b *testing.B, element []byte) []byte {
	element = element[:bytes.LastIndex(element, []byte("</"))]
	text := element[bytes.LastIndexByte(element, '>')+1:]
	data, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil {
		b.Fatal(err)
	}
	return data
}
