package resolve

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"
)

const (
	// familyGrace is how long the addresses of one family wait for those of the
	// other: name servers exist that never answer for AAAA. RFC 8305 §3 has
	// 50 ms for people who wait; servers have time.
	familyGrace = time.Second
	// hostGrace is how long hosts with addresses wait for those of other hosts.
	hostGrace = 2 * time.Second
	// mostAddrs of a host are tried.
	mostAddrs = 16
)

// located is what is known of the addresses of a host.
type located struct {
	addrs  []netip.Addr // ordered
	text   string       // for an operator
	noName bool
	err    error // why they are not known; addrs is empty then
}

// permitted is addresses without those that are not connected to.
func (r *Resolver) permitted(ctx context.Context, host string) *located {
	found := r.addresses(ctx, host)
	s := r.currentSources()
	if denied := s.denied(found.addrs); len(denied) > 0 {
		found.addrs = slices.DeleteFunc(found.addrs, func(a netip.Addr) bool { return slices.Contains(denied, a) })
		found.text = joinNotes(found.text, "not connected to "+joinAddrs(denied)+" (s2s.deny_addresses)")
		if len(found.addrs) == 0 {
			found.err = noService("this server does not connect to the addresses of %s (s2s.deny_addresses)", host)
		}
	}
	return found
}

func joinNotes(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// denied are those of the addresses that are not connected to.
func (s *Sources) denied(addrs []netip.Addr) (denied []netip.Addr) {
	for _, a := range addrs {
		if slices.ContainsFunc(s.Denied, func(p netip.Prefix) bool { return p.Contains(a) }) {
			denied = append(denied, a)
		}
	}
	return denied
}

// addresses looks for the addresses of a host and orders them.
func (r *Resolver) addresses(ctx context.Context, host string) *located {
	if addr, ok := literal(host); ok {
		return &located{addrs: []netip.Addr{addr}}
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761 §6.3: DNS is not asked
		return r.arrange(ctx, []netip.Addr{netip.IPv6Loopback(), netip.AddrFrom4([4]byte{127, 0, 0, 1})}, "this machine")
	}
	s := r.currentSources()
	if addrs := r.inHostsFile(&s, host); len(addrs) > 0 {
		return r.arrange(ctx, addrs, joinAddrs(addrs)+" (from "+r.cfg.HostsFile+")")
	}
	six, four := r.start(ctx, question{host, typeAAAA}), r.start(ctx, question{host, typeA})
	var a6, a4 *result
	var late <-chan time.Time
	for a6 == nil || a4 == nil {
		select {
		case x := <-six:
			a6, six = &x, nil
		case x := <-four:
			a4, four = &x, nil
		case <-late:
			return r.both(ctx, a6, a4)
		}
		if late == nil {
			timer := time.NewTimer(familyGrace)
			defer timer.Stop()
			late = timer.C
			if x := either(a6, a4); x == nil || len(x.a.addrs) == 0 {
				late = make(chan time.Time) // nothing to go on with
			}
		}
	}
	return r.both(ctx, a6, a4)
}

func either(a, b *result) *result {
	if a != nil {
		return a
	}
	return b
}

// both puts the answers for the two families together; nil: it has not come.
func (r *Resolver) both(ctx context.Context, a6, a4 *result) *located {
	var addrs []netip.Addr
	var failed error
	text, names := "", 0
	for _, x := range []struct {
		family string
		*result
	}{{"IPv6", a6}, {"IPv4", a4}} {
		if text != "" {
			text += "; "
		}
		text += x.family + " "
		switch {
		case x.result == nil:
			text += "not known yet"
			continue
		case x.err != nil:
			failed = x.err
		case x.a.kind == noName:
			names++
		}
		text += r.describe(x.result)
		addrs = append(addrs, x.a.addrs...)
	}
	if len(addrs) == 0 {
		return &located{text: text, err: failed, noName: names > 0}
	}
	return r.arrange(ctx, addrs, text)
}

// arrange orders addresses and bounds their number.
func (r *Resolver) arrange(ctx context.Context, addrs []netip.Addr, text string) *located {
	addrs, unusable := r.sort(ctx, addrs)
	if unusable != "" {
		text = joinNotes(text, unusable)
	}
	return &located{addrs: addrs[:min(len(addrs), mostAddrs)], text: text}
}

// allAddresses looks up several hosts at once. Those that are not known when
// others are, and some time has passed, have no entry, unless wait is set.
func (r *Resolver) allAddresses(ctx context.Context, records []record, look func(context.Context, string) *located, wait bool) map[string]*located {
	type one struct {
		host string
		*located
	}
	all := make(map[string]*located)
	answers := make(chan one, len(records))
	asked := make(map[string]bool)
	for _, rec := range records {
		if !asked[rec.host] {
			asked[rec.host] = true
			go func() { answers <- one{rec.host, look(ctx, rec.host)} }()
		}
	}
	var late <-chan time.Time
	for len(all) < len(asked) {
		select {
		case x := <-answers:
			all[x.host] = x.located
			if late == nil && !wait && len(x.addrs) > 0 {
				timer := time.NewTimer(hostGrace)
				defer timer.Stop()
				late = timer.C
			}
		case <-late:
			return all
		}
	}
	return all
}
