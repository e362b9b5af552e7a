package main

import (
	"strings"

	"github.com/xylem-im/xylem/s2s"
)

// policies say what holds for remote domains. They are made from the
// configuration and not changed any more.
type policies struct {
	usual   s2s.Require
	domains patterns[s2s.Require]
	allow   patterns[struct{}] // nothing: all
	deny    patterns[struct{}]
}

// patterns find a value by domain: its own, or that of the nearest "*." above it.
type patterns[V any] map[string]V

func (p patterns[V]) find(domain string) (v V, ok bool) {
	if len(p) == 0 {
		return v, false
	}
	if v, ok = p[domain]; ok {
		return v, true
	}
	var buf [256]byte // no domain is longer
	for rest := domain; ; {
		i := strings.IndexByte(rest, '.')
		if i < 0 {
			return v, false
		}
		rest = rest[i+1:]
		if v, ok = p[string(append(append(buf[:0], "*."...), rest...))]; ok {
			return v, true
		}
	}
}

func newPolicies(c *s2sConfig) *policies {
	p := &policies{usual: c.Require, domains: patterns[s2s.Require]{}, allow: setOf(c.Allow), deny: setOf(c.Deny)}
	for _, d := range c.Domains {
		for _, name := range d.Names {
			p.domains[name] = d.Require
		}
	}
	return p
}

func setOf(list []string) patterns[struct{}] {
	set := make(patterns[struct{}], len(list))
	for _, name := range list {
		set[name] = struct{}{}
	}
	return set
}

// of tells what holds for a prepared domain: s2s.deny beats s2s.allow, and a
// [[s2s.domain]] beats s2s.require. It allocates nothing.
func (p *policies) of(remote string) s2s.Policy {
	if _, denied := p.deny.find(remote); denied {
		return s2s.Policy{Denied: true}
	}
	if _, allowed := p.allow.find(remote); !allowed && len(p.allow) > 0 {
		return s2s.Policy{Denied: true}
	}
	if require, ok := p.domains.find(remote); ok {
		return s2s.Policy{Require: require}
	}
	return s2s.Policy{Require: p.usual}
}
