package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"

	"github.com/xylem-im/xylem/engine"
)

// Names of the listeners in the ready line, in status and in the log.
const (
	nameC2S    = "c2s"
	nameC2STLS = "c2s-tls"
	nameS2S    = "s2s"
	nameS2STLS = "s2s-tls"
	nameHTTP   = "http"

	nameComponents    = "components"
	nameComponentsTLS = "components-tls"
)

// engineListeners are the addresses that the engine opens.
func engineListeners(c *config) []engine.Listener {
	var all []engine.Listener
	var proxies []netip.Prefix
	for _, text := range c.C2S.Proxies {
		if p, err := netip.ParsePrefix(text); err == nil { // it was checked: see checkNetworks
			proxies = append(proxies, p)
		}
	}
	for _, k := range []struct {
		engine.Listener
		addresses []string
	}{
		{engine.Listener{Name: nameC2S, Role: engine.RoleClient, Proxies: proxies}, c.C2S.Listen},
		{engine.Listener{Name: nameC2STLS, Role: engine.RoleClient, Proxies: proxies, TLS: true}, c.C2S.ListenTLS},
		{engine.Listener{Name: nameS2S, Role: engine.RolePeer}, c.S2S.Listen},
		{engine.Listener{Name: nameS2STLS, Role: engine.RolePeer, TLS: true}, c.S2S.ListenTLS},
		{engine.Listener{Name: nameComponents, Role: engine.RoleComponent}, c.Components.Listen},
		{engine.Listener{Name: nameComponentsTLS, Role: engine.RoleComponent, TLS: true}, c.Components.ListenTLS},
	} {
		for _, a := range k.addresses {
			k.Address = a
			all = append(all, k.Listener)
		}
	}
	return all
}

// listen opens a TCP address; the error says what to do.
func listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	return l, explainListen(err)
}

// explainListen adds what to do to a failure to listen, and leaves other
// errors as they are.
func explainListen(err error) error {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "listen" {
		return err
	}
	return fmt.Errorf("cannot %s: %s", strings.TrimPrefix(op.Error(), "listen tcp: "), listenRemedy(op.Err))
}

func listenRemedy(err error) string {
	var dns *net.DNSError
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "another program has this address, perhaps another xylem; stop it, or choose another port (port 0 takes a free one)"
	case errors.Is(err, syscall.EACCES):
		return "ports below 1024 need CAP_NET_BIND_SERVICE (in systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE)"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "this machine does not have that address; use one of its own, or [::] for all"
	case errors.As(err, &dns):
		return "the host name is not known here; write an IP address"
	}
	return "choose an address of this machine"
}

// warnings are settings that are allowed and dangerous.
func (l *loaded) warnings() (list []string) {
	if a := notLoopback(l.C2S.Listen); a != "" && l.C2S.AllowPlaintext {
		list = append(list, "c2s.allow_plaintext with "+a+": passwords and messages cross the network unencrypted; it is meant for tests on loopback")
	}
	if a := notLoopback(l.Components.Listen); a != "" {
		list = append(list, "components.listen with "+a+": what components send and get crosses the network unencrypted; use loopback, components.listen_tls or a tunnel")
	}
	return list
}

// notLoopback is the first address that other machines can reach, "" if none.
func notLoopback(addresses []string) string {
	for _, a := range addresses {
		if !isLoopback(a) {
			return a
		}
	}
	return ""
}

func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
