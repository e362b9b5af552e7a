package resolve

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/s2s"
)

// Find returns the servers of a prepared domain in the order in which they are
// to be tried. step is told what was found out, a line each, on the caller's
// goroutine. Errors, sentences for operators: one that wraps s2s.ErrNoService when
// the domain has no server; others when that could not be found out now.
func (r *Resolver) Find(ctx context.Context, domain string, step func(text string)) ([]s2s.Target, error) {
	s := r.currentSources()
	if hosts, ok := s.hostsOf(domain); ok {
		step(fmt.Sprintf("s2s.static_hosts: %s is at %s; DNS is not asked for SRV", domain, joinHosts(hosts)))
		records := make([]record, len(hosts))
		for i, h := range hosts {
			records[i] = record{host: h.Name, port: h.Port, direct: h.Direct}
		}
		return r.targets(records, r.allAddresses(ctx, records, r.addresses, true),
			"s2s.static_hosts sends "+domain+" to HOSTS, which has no address in DNS; correct it there", step)
	}
	if addr, ok := literal(domain); ok {
		if len(s.denied([]netip.Addr{addr})) > 0 {
			return nil, noService("this server does not connect to %s (s2s.deny_addresses)", addr)
		}
		step(fmt.Sprintf("%s is an IP address; port %d", addr, defaultPort))
		return []s2s.Target{{Host: addr.String(), Port: defaultPort, Addrs: []netip.Addr{addr}}}, nil
	}
	name, err := queryName(domain)
	if err == nil {
		err = special(name)
	}
	if err != nil {
		return nil, err
	}
	if name != domain {
		step(domain + " is " + name + " in DNS")
	}
	plain, direct := r.services(ctx, name, step)
	records, refused := gather(&plain, &direct)
	switch {
	case len(records) > 0:
		records = r.ordered(records, step)
		return r.targets(records, r.allAddresses(ctx, records, r.permitted, false),
			"the SRV records of "+domain+" point to HOSTS, which has no address in DNS; its operator must correct the SRV record or publish an A or AAAA record", step)
	case refused:
		return nil, noService(`%s says in DNS, by the SRV target ".", that it offers no service to other servers`, domain)
	case len(plain.a.srv)+len(direct.a.srv) > 0:
		return nil, noService("the SRV records of %s name no usable host and port; its operator must correct them", domain)
	}
	return r.fallback(ctx, domain, name, errors.Join(plain.err, direct.err), step)
}

// queryName is the form of a domain that DNS knows.
func queryName(domain string) (string, error) {
	name, err := jid.DomainASCII(domain)
	if err != nil || !isHostName(name) || len(directService)+len(name) > 253 {
		return "", noService("%s cannot be a name in DNS; check the address", domain)
	}
	return name, nil
}

// special refuses names that must not be asked for: those of Tor, RFC 7686 §2,
// and those that never exist, RFC 6761 §6.4.
func special(name string) error {
	switch name[strings.LastIndexByte(name, '.')+1:] {
	case "onion":
		return noService("%s is a name of Tor, which DNS does not know; give its server in s2s.static_hosts", name)
	case "invalid":
		return noService("%s does not exist; check the address", name)
	}
	return nil
}

// noService is an error that wraps s2s.ErrNoService and reads as the sentence
// alone.
func noService(format string, args ...any) error {
	return &absent{fmt.Sprintf(format, args...)}
}

type absent struct{ text string }

func (e *absent) Error() string { return e.text }
func (e *absent) Unwrap() error { return s2s.ErrNoService }

// result is the outcome of one look-up.
type result struct {
	a      answer
	cached bool
	err    error
}

// start begins a look-up.
func (r *Resolver) start(ctx context.Context, q question) <-chan result {
	c := make(chan result, 1)
	go func() {
		var x result
		x.a, x.cached, x.err = r.lookup(ctx, q)
		c <- x
	}()
	return c
}

// services asks for the records of both services at once.
func (r *Resolver) services(ctx context.Context, name string, step func(string)) (plain, direct result) {
	p, d := r.start(ctx, question{plainService + name, typeSRV}), r.start(ctx, question{directService + name, typeSRV})
	plain, direct = <-p, <-d
	step("SRV " + plainService + name + ": " + r.describe(&plain))
	step("SRV " + directService + name + ": " + r.describe(&direct))
	return plain, direct
}

// describe is an answer for an operator.
func (r *Resolver) describe(x *result) string {
	if x.err != nil {
		return x.err.Error()
	}
	var b strings.Builder
	switch {
	case x.a.kind == noName:
		b.WriteString("none, the name does not exist (NXDOMAIN)")
	case x.a.kind == noData:
		b.WriteString("none")
	case x.a.srv != nil:
		b.WriteString(joinRecords(x.a.srv))
	default:
		b.WriteString(joinAddrs(x.a.addrs))
	}
	if x.a.via != "" {
		b.WriteString(", by way of the alias " + x.a.via)
	}
	if x.cached {
		b.WriteString(" (known for " + seconds(r.cfg.Now().Sub(x.a.at)) + ")")
	}
	return b.String()
}

// gather puts the records of both services together. refused: one of them has
// the target ".", which also rules out the fallback (XEP-0368 §3).
func gather(plain, direct *result) (records []record, refused bool) {
	for _, x := range []*result{plain, direct} {
		for _, rec := range x.a.srv {
			rec.direct = x == direct
			switch {
			case rec.host == "":
				refused = true
			case rec.port != 0:
				records = append(records, rec)
			}
		}
	}
	return records, refused
}

// fallback looks for the addresses of the domain itself, RFC 6120 §3.2.2. failed
// is what went wrong with the SRV records: then nothing found means nothing.
func (r *Resolver) fallback(ctx context.Context, domain, name string, failed error, step func(string)) ([]s2s.Target, error) {
	if silent(failed) {
		return nil, first(failed) // the same name servers would have to be asked
	}
	step(fmt.Sprintf("no SRV records: trying the addresses of %s, port %d", name, defaultPort))
	found := r.permitted(ctx, name)
	step("addresses of " + name + ": " + found.text)
	switch {
	case len(found.addrs) > 0:
		return []s2s.Target{{Host: name, Port: defaultPort, Addrs: found.addrs}}, nil
	case failed != nil:
		return nil, first(failed)
	case found.err != nil:
		return nil, found.err
	case found.noName:
		return nil, noService("%s does not exist in DNS; check the address", domain)
	}
	return nil, noService("%s has neither an SRV record %s%s nor an address in DNS; its operator must publish one", domain, plainService, name)
}

// first is the first of joined errors.
func first(err error) error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		return many.Unwrap()[0]
	}
	return err
}

// ordered puts records in order and bounds their number.
func (r *Resolver) ordered(records []record, step func(string)) []record {
	records = order(records, r.cfg.Random)
	if len(records) > mostTargets {
		step(fmt.Sprintf("of %d hosts the first %d are tried", len(records), mostTargets))
		records = records[:mostTargets]
	}
	return records
}

// targets makes targets of records with the addresses of their hosts. A host
// without any is left out, and one whose addresses are not known yet is looked
// up when it is dialled. lost is what to say of HOSTS when none has an address.
func (r *Resolver) targets(records []record, found map[string]*located, lost string, step func(string)) ([]s2s.Target, error) {
	var targets []s2s.Target
	var wrong []string
	var failed error
	told := make(map[string]bool)
	for _, rec := range records {
		f := found[rec.host]
		if f != nil && !told[rec.host] && f.text != "" {
			told[rec.host] = true
			step("addresses of " + rec.host + ": " + f.text)
		}
		switch {
		case f == nil || len(f.addrs) > 0:
			t := s2s.Target{Host: rec.host, Port: rec.port, Direct: rec.direct}
			if f != nil {
				t.Addrs = f.addrs
			}
			targets = append(targets, t)
		case f.err != nil:
			failed = f.err
		case !slices.Contains(wrong, rec.host):
			wrong = append(wrong, rec.host)
		}
	}
	switch {
	case len(targets) > 0:
		return targets, nil
	case failed != nil:
		return nil, failed
	}
	return nil, &absent{strings.Replace(lost, "HOSTS", strings.Join(wrong[:min(len(wrong), 4)], ", "), 1)}
}

func joinHosts(hosts []Host) string {
	texts := make([]string, len(hosts))
	for i, h := range hosts {
		texts[i] = h.String()
	}
	return strings.Join(texts, ", ")
}

func joinAddrs(addrs []netip.Addr) string {
	const most = 8
	var b strings.Builder
	for i, a := range addrs[:min(len(addrs), most)] {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(a.String())
	}
	if len(addrs) > most {
		fmt.Fprintf(&b, " and %d more", len(addrs)-most)
	}
	return b.String()
}
