package resolve

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
)

// RFC 6724 §10.2 has these examples, of those rules that are held here, and
// RFC 8305 §4 that families take turns.
func TestRFC6724_Order(t *testing.T) {
	for _, c := range []struct {
		name, sources, addrs, want string
	}{
		{"IPv6 first", "2001:db8::2 198.51.100.117", "198.51.100.121 2001:db8:1::1", "2001:db8:1::1 198.51.100.121"},
		{"families take turns", "2001:db8::2 198.51.100.117", "198.51.100.1 198.51.100.2 198.51.100.3 2001:db8::11 2001:db8::12",
			"2001:db8::11 198.51.100.2 2001:db8::12 198.51.100.3 198.51.100.1"},
		{"only a link-local source: IPv4 first", "fe80::2 198.51.100.117", "2001:db8:1::1 198.51.100.121", "198.51.100.121 2001:db8:1::1"},
		{"only a unique local source: IPv4 first", "fd00::2 198.51.100.117", "2001:db8:1::1 198.51.100.121", "198.51.100.121 2001:db8:1::1"},
		{"6to4 source: IPv4 first", "2002:c633:6401::2 198.51.100.117", "2001:db8:1::1 198.51.100.121", "198.51.100.121 2001:db8:1::1"},
		{"no IPv6 at all", "- 198.51.100.117", "2001:db8:1::1 198.51.100.121", "198.51.100.121 2001:db8:1::1"},
		{"no IPv4 at all", "2001:db8::2 -", "198.51.100.121 2001:db8:1::1", "2001:db8:1::1 198.51.100.121"},
		{"nothing at all", "- -", "198.51.100.121 198.51.100.122", "198.51.100.122 198.51.100.121"},
		{"loopback", "::1 127.0.0.1", "127.0.0.1 ::1", "::1 127.0.0.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			from := strings.Fields(c.sources)
			r := New(Config{Random: func(int) int { return 0 }, Source: func(_ context.Context, to netip.Addr) (netip.Addr, error) {
				text := from[0]
				if to.Is4() {
					text = from[1]
				}
				if text == "-" {
					return netip.Addr{}, errors.New("network is unreachable")
				}
				return netip.MustParseAddr(text), nil
			}})
			var addrs []netip.Addr
			for _, a := range strings.Fields(c.addrs) {
				addrs = append(addrs, netip.MustParseAddr(a))
			}
			sorted, _ := r.sort(t.Context(), addrs)
			var got []string
			for _, a := range sorted {
				got = append(got, a.String())
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
}

// The system's own choice works on loopback, which every machine has.
func TestSystemSource(t *testing.T) {
	from, err := systemSource(t.Context(), netip.MustParseAddr("127.0.0.1"))
	if err != nil || !from.IsLoopback() {
		t.Errorf("%v, %v", from, err)
	}
}
