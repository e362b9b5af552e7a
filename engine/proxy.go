package engine

import (
	"bufio"
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/pires/go-proxyproto"
)

// What a proxy has to say (PROXY protocol, versions 1 and 2) comes first and at
// once.
const (
	proxyTime  = 5 * time.Second
	proxyBytes = 4096 // a longer header, with much beside the addresses, is refused
)

var errNotProxy = errors.New("engine: a connection that is not of a listed proxy")

// takeProxied reads on whose behalf a proxy connects, and lets that address in.
// The connection has a place; a goroutine waits for each, as many as there are
// places at most.
func (ln *listener) takeProxied(c net.Conn) {
	r := bufio.NewReaderSize(c, proxyBytes)
	behind, err := ln.behindProxy(c, r)
	if err != nil {
		ln.engine.log.Warn("connection without a proxy's word refused", "listener", ln.Name,
			"remote", addrString(c.RemoteAddr()), "error", err)
		ln.engine.admission.release()
		ln.engine.admission.refused.Add(1)
		_ = c.Close()
		return
	}
	early, _ := r.Peek(r.Buffered())
	remote := behind
	if behind == nil {
		remote = c.RemoteAddr()
	}
	fd, err := descriptorOf(c)
	if err != nil {
		ln.engine.admission.release()
		ln.engine.log.Warn("connection not taken", "listener", ln.Name, "error", err)
		return
	}
	if a := ln.admit(fd, remote, behind, early); a != nil {
		e := ln.engine
		e.sendLoop(e.leastLoaded(e.loops[0]).index, a)
	}
}

// behindProxy reads the header. The address is nil when the proxy speaks for
// itself (LOCAL, UNKNOWN), to see whether the server lives.
func (ln *listener) behindProxy(c net.Conn, r *bufio.Reader) (net.Addr, error) {
	if !listed(ln.Proxies, c.RemoteAddr()) {
		return nil, errNotProxy
	}
	if err := c.SetReadDeadline(time.Now().Add(proxyTime)); err != nil {
		return nil, err
	}
	header, err := proxyproto.Read(r)
	if err != nil {
		return nil, err
	}
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		return nil, err
	}
	if source, ok := header.SourceAddr.(*net.TCPAddr); ok && header.Command.IsProxy() {
		return source, nil
	}
	return nil, nil
}

// listed tells whether the address of remote is in one of the networks.
func listed(networks []netip.Prefix, remote net.Addr) bool {
	tcp, ok := remote.(*net.TCPAddr)
	if !ok {
		return false
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(ip) })
}
