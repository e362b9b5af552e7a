package resolve

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// sort orders addresses by RFC 6724 §6 (rules 1, 2, 5, 6 and 8; what hangs on
// details of interfaces is left out), and then has the families take turns so
// that one that does not work costs one attempt (RFC 8305 §4). Equal ones come
// in random order, which spreads the load. unusable tells of a family that
// this machine has no way to.
func (r *Resolver) sort(ctx context.Context, addrs []netip.Addr) (sorted []netip.Addr, unusable string) {
	type candidate struct {
		addr netip.Addr
		keys [5]int
	}
	all := make([]candidate, 0, len(addrs))
	for _, a := range addrs {
		from, err := r.cfg.Source(ctx, a)
		all = append(all, candidate{a, rank(a, from, err == nil)})
	}
	shuffle(all, r.cfg.Random)
	slices.SortStableFunc(all, func(a, b candidate) int { return slices.Compare(a.keys[:], b.keys[:]) })
	var usable, hopeless []netip.Addr
	lacking := make(map[string]bool)
	for _, c := range all {
		if c.keys[0] == 0 {
			usable = append(usable, c.addr)
			continue
		}
		hopeless = append(hopeless, c.addr)
		lacking[family(c.addr)] = true
	}
	if len(lacking) > 0 {
		names := make([]string, 0, 2)
		for name := range lacking {
			names = append(names, name)
		}
		slices.Sort(names)
		unusable = "this machine has no route by " + strings.Join(names, " and ")
	}
	return append(interleave(usable), hopeless...), unusable
}

func family(a netip.Addr) string {
	if a.Is4() {
		return "IPv4"
	}
	return "IPv6"
}

// interleave has the families take turns; that of the first address begins.
func interleave(addrs []netip.Addr) []netip.Addr {
	var families [2][]netip.Addr
	for _, a := range addrs {
		i := 0
		if a.Is4() != addrs[0].Is4() {
			i = 1
		}
		families[i] = append(families[i], a)
	}
	mixed := make([]netip.Addr, 0, len(addrs))
	for i := range addrs {
		for _, f := range families {
			if i < len(f) {
				mixed = append(mixed, f[i])
			}
		}
	}
	return mixed
}

// systemSource is the address that the system would send from. Connecting a UDP
// socket sends nothing.
func systemSource(ctx context.Context, to netip.Addr) (netip.Addr, error) {
	c, err := new(net.Dialer).DialContext(ctx, "udp", netip.AddrPortFrom(to, defaultPort).String())
	if err != nil {
		return netip.Addr{}, err
	}
	defer c.Close()
	local, err := netip.ParseAddrPort(c.LocalAddr().String())
	return local.Addr().Unmap(), err
}

// rank is where an address stands by RFC 6724 §6, less goes first: usable at all,
// scope as that of the source, label as that of the source, precedence, smaller
// scope.
func rank(to, from netip.Addr, reachable bool) [5]int {
	if !reachable {
		return [5]int{0: 1}
	}
	p := policyOf(to)
	return [5]int{0, unequal(scopeOf(to), scopeOf(from)), unequal(p.label, policyOf(from).label), -p.precedence, scopeOf(to)}
}

func unequal(a, b int) int {
	if a == b {
		return 0
	}
	return 1
}

// Scopes of RFC 6724 §3.1.
const (
	scopeLink   = 2
	scopeSite   = 5
	scopeGlobal = 14
)

func scopeOf(a netip.Addr) int {
	switch {
	case a.IsLoopback(), a.IsLinkLocalUnicast():
		return scopeLink
	case a.Is6() && netip.MustParsePrefix("fec0::/10").Contains(a):
		return scopeSite
	}
	return scopeGlobal
}

type policy struct {
	prefix            netip.Prefix
	precedence, label int
}

// policyOf finds a row of the table of RFC 6724 §2.1, most specific first.
func policyOf(a netip.Addr) policy {
	mapped := netip.AddrFrom16(a.As16())
	for _, p := range policies() {
		if containsMapped(p.prefix, mapped) {
			return p
		}
	}
	return policy{precedence: 40, label: 1} // ::/0
}

func policies() []policy {
	return []policy{
		{netip.MustParsePrefix("::1/128"), 50, 0},
		{netip.MustParsePrefix("::ffff:0:0/96"), 35, 4},
		{netip.MustParsePrefix("::/96"), 1, 3},
		{netip.MustParsePrefix("2001::/32"), 5, 5},
		{netip.MustParsePrefix("2002::/16"), 30, 2},
		{netip.MustParsePrefix("3ffe::/16"), 1, 12},
		{netip.MustParsePrefix("fec0::/10"), 1, 11},
		{netip.MustParsePrefix("fc00::/7"), 3, 13},
	}
}

// containsMapped is Prefix.Contains for addresses that may be mapped IPv4 ones,
// which that never finds.
func containsMapped(p netip.Prefix, a netip.Addr) bool {
	x, y := p.Addr().As16(), a.As16()
	for i := range p.Bits() {
		if (x[i/8]^y[i/8])>>(7-i%8)&1 != 0 {
			return false
		}
	}
	return true
}
