package tls_test

import (
	"bytes"
	"crypto/tls"
	"net"
	"testing"
)

// bufferConn is a net.Conn until its buffers are set, and writes to one and
// reads from the other afterwards.
type bufferConn struct {
	net.Conn
	in, out *bytes.Buffer
}

func (c *bufferConn) Write(p []byte) (int, error) {
	if c.out != nil {
		return c.out.Write(p)
	}
	return c.Conn.Write(p)
}

func (c *bufferConn) Read(p []byte) (int, error) {
	if c.in != nil {
		return c.in.Read(p)
	}
	return c.Conn.Read(p)
}

// BenchmarkStockRoundTrip is crypto/tls by itself, writing into a buffer and
// reading out of it: what BenchmarkRoundTrip of the same run is to be compared
// with.
func BenchmarkStockRoundTrip(b *testing.B) {
	for name, version := range versions {
		b.Run(name+"/400B", func(b *testing.B) {
			a, z := net.Pipe()
			defer a.Close()
			near, far := &bufferConn{Conn: a}, &bufferConn{Conn: z}
			client, server := tls.Client(near, clientConfig(version)), tls.Server(far, serverConfig(b))
			failed := make(chan error, 1)
			go func() { failed <- client.Handshake() }()
			if err := server.Handshake(); err != nil {
				b.Fatal(err)
			}
			if err := <-failed; err != nil {
				b.Fatal(err)
			}
			wire := new(bytes.Buffer)
			near.out, far.in = wire, wire
			plain, got := make([]byte, 400), make([]byte, 4096)
			b.SetBytes(400)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := client.Write(plain); err != nil {
					b.Fatal(err)
				}
				if n, err := server.Read(got); err != nil || n != len(plain) {
					b.Fatal(n, err)
				}
			}
		})
	}
}
