package main

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/xylem-im/xylem/s2s/resolve"
)

const (
	domainKey = "s2s.domain"       // array of tables: what holds for some remote domains
	staticKey = "s2s.static_hosts" // table: domain to host

	acceptsRequire  = `"dialback" or "certificate"`
	acceptsPatterns = `a domain such as "example.org", "*.example.org" for all below it, or a list of them`
	acceptsHosts    = `"HOST:PORT", "tls://HOST:PORT" for TLS at once, or a list of them in the order in which they are tried`
)

// checkPattern prepares a domain, before which "*." may stand.
func checkPattern(text string) (string, error) {
	name, wild := strings.CutPrefix(text, "*.")
	prepared, err := prepareDomain(name)
	if err != nil {
		return "", err
	}
	if strings.Contains(prepared, "*") {
		return "", fmt.Errorf("%q: a * stands for whole names and only at the beginning", text)
	}
	if wild {
		prepared = "*." + prepared
	}
	return prepared, nil
}

// checkPatterns prepares patterns in place.
func checkPatterns(field any) error {
	patterns := *field.(*[]string)
	for i, text := range patterns {
		p, err := checkPattern(text)
		if err != nil {
			return err
		}
		patterns[i] = p
	}
	return nil
}

// checkNameServers completes addresses in place.
func checkNameServers(field any) error {
	servers := *field.(*[]string)
	for i, text := range servers {
		if addr, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
			servers[i] = netip.AddrPortFrom(addr, 53).String()
			continue
		}
		host, _, err := net.SplitHostPort(text)
		if err == nil {
			err = hostPort(text)
		}
		if _, notIP := netip.ParseAddr(host); err != nil || notIP != nil {
			return fmt.Errorf("%q is no IP address with a port", text)
		}
	}
	return nil
}

// checkPrefixes completes networks in place.
func checkPrefixes(field any) error {
	networks := *field.(*[]string)
	for i, text := range networks {
		if addr, err := netip.ParseAddr(text); err == nil {
			networks[i] = netip.PrefixFrom(addr, addr.BitLen()).String()
			continue
		}
		prefix, err := netip.ParsePrefix(text)
		switch {
		case err != nil:
			return fmt.Errorf("%q is no address and no network", text)
		case prefix != prefix.Masked():
			return fmt.Errorf("%q has bits beyond its length; the network is %s", text, prefix.Masked())
		}
	}
	return nil
}

// prefixes are checked networks.
func prefixes(networks []string) (all []netip.Prefix) {
	for _, text := range networks {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// readDomains reads [[s2s.domain]]. The list replaces an earlier one.
func (l *loaded) readDomains(s setting, faults *configErrors) {
	l.S2S.Domains = []s2sDomain{}
	for i, t := range tables(s, "write a line [[s2s.domain]] with double brackets, and below it name and require",
		`{name = "example.org", require = "certificate"}`, faults) {
		if t != nil {
			l.S2S.Domains = append(l.S2S.Domains, readDomain(s, i, t, faults))
		}
	}
}

func readDomain(s setting, index int, t map[string]any, faults *configErrors) (d s2sDomain) {
	keys := []tableKey{
		{name: "name", field: &d.Names, accept: acceptsPatterns, check: func() error { return checkPatterns(&d.Names) }},
		{name: "require", field: &d.Require, accept: acceptsRequire},
	}
	readTable(s, index, t, "a domain has name and require", keys, faults)
	for _, k := range keys {
		if _, given := t[k.name]; !given {
			faults.add(&configError{at: s.item(index), key: s.key + "." + k.name, problem: "is missing", accept: k.accept})
		}
	}
	return d
}

// readStaticHosts reads [s2s.static_hosts]. Names without quotes, which TOML
// takes for tables in tables, are put together again. The table replaces an
// earlier one.
func (l *loaded) readStaticHosts(s setting, faults *configErrors) {
	t, ok := s.value.(map[string]any)
	if !ok {
		faults.add(&configError{at: s.at, key: s.key, value: valueText(s.value), problem: "is " + typeName(s.value) + ", not a table",
			mend: `write a line [s2s.static_hosts] and below it "example.org" = "HOST:PORT"`})
		return
	}
	l.S2S.StaticHosts = map[string][]resolve.Host{}
	l.readStaticTable(s, "", t, faults)
}

func (l *loaded) readStaticTable(s setting, prefix string, t map[string]any, faults *configErrors) {
	for _, name := range sortedKeys(t) {
		if sub, isTable := t[name].(map[string]any); isTable {
			l.readStaticTable(s, prefix+name+".", sub, faults)
			continue
		}
		l.addStaticHost(setting{at: s.within("." + prefix + name), key: s.key + "." + prefix + name, value: t[name]}, prefix+name, faults)
	}
}

// addStaticHost adds one domain.
func (l *loaded) addStaticHost(s setting, domain string, faults *configErrors) {
	fault := &configError{at: s.at, key: s.key, value: valueText(s.value)}
	pattern, err := checkPattern(domain)
	if err != nil {
		fault.problem, fault.accept = err.Error(), acceptsPatterns
		faults.add(fault)
		return
	}
	fault.accept = acceptsHosts
	var texts []string
	if err = assign(&texts, s.value); err == nil && len(texts) == 0 {
		err = fmt.Errorf("names no host")
	}
	var hosts []resolve.Host
	for _, text := range texts {
		var h resolve.Host
		if h, err = resolve.ParseHost(text); err != nil {
			break
		}
		hosts = append(hosts, h)
	}
	if err != nil {
		fault.problem = err.Error()
		faults.add(fault)
		return
	}
	l.S2S.StaticHosts[pattern] = hosts
	l.origins[staticKey] = s.at
}

// checkFederation finds what cannot hold together.
func (l *loaded) checkFederation(faults *configErrors) {
	if f := &l.Federation; f.RetryLeast > f.RetryMost {
		faults.add(&configError{at: l.originOf("limits.s2s_retry_least", "limits.s2s_retry_most"), key: "limits.s2s_retry_least", value: durationText(f.RetryLeast),
			problem: "is more than limits.s2s_retry_most (" + durationText(f.RetryMost) + ")", mend: "lower it"})
	}
	if !l.TLS.SystemRoots && len(l.TLS.CAFile) == 0 {
		faults.add(&configError{at: l.originOf("tls.system_roots"), key: "tls.system_roots", value: "false",
			problem: "leaves nobody to trust", mend: "name authorities in tls.ca_file"})
	}
	owner := make(map[string]bool)
	for _, d := range l.S2S.Domains {
		for _, name := range d.Names {
			if owner[name] {
				faults.add(&configError{at: l.originOf(domainKey), key: domainKey + ".name", value: valueText(name), problem: "is named twice", mend: "name each domain once"})
			}
			owner[name] = true
		}
	}
	for _, d := range l.S2S.Deny {
		if slices.Contains(l.S2S.Allow, d) {
			faults.add(&configError{at: l.originOf("s2s.deny"), key: "s2s.deny", value: valueText(d), problem: "is in s2s.allow too", mend: "remove it from one of them"})
		}
	}
}

// federates tells whether there is to be federation: who takes no streams of
// other servers cannot answer their dialback either.
func (c *config) federates() bool { return len(c.S2S.Listen)+len(c.S2S.ListenTLS) > 0 }
