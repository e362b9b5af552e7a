package resolve

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// The services of XMPP servers among each other, RFC 6120 §3.2.1 and XEP-0368.
const (
	plainService  = "_xmpp-server._tcp."
	directService = "_xmpps-server._tcp."
)

// mostTargets of a domain are tried; who publishes more has some in vain.
const mostTargets = 16

// order puts SRV records into the order in which they are to be tried: by
// priority, and at random by weight among those of one priority (RFC 2782).
// random returns a number from 0 to n-1. Records of one host and port stay once.
func order(records []record, random func(n int) int) []record {
	rest := slices.Clone(records)
	slices.SortStableFunc(rest, func(a, b record) int { return cmp.Compare(a.priority, b.priority) })
	ordered := make([]record, 0, len(rest))
	for len(rest) > 0 {
		n := 1
		for n < len(rest) && rest[n].priority == rest[0].priority {
			n++
		}
		ordered = append(ordered, byWeight(rest[:n], random)...)
		rest = rest[n:]
	}
	type place struct {
		host   string
		port   uint16
		direct bool
	}
	seen := make(map[place]bool, len(ordered))
	return slices.DeleteFunc(ordered, func(r record) bool {
		p := place{r.host, r.port, r.direct}
		again := seen[p]
		seen[p] = true
		return again
	})
}

// byWeight orders records of one priority in place: each next one is drawn with
// a probability in proportion to its weight. Those of weight 0 come first in the
// list that is drawn from, which gives them a small chance and no more; among
// nothing but zeros the draw is even, where the RFC would keep the order of
// the answer.
func byWeight(group []record, random func(n int) int) []record {
	shuffle(group, random)
	slices.SortStableFunc(group, func(a, b record) int { return cmp.Compare(min(a.weight, 1), min(b.weight, 1)) })
	sum := 0
	for _, r := range group {
		sum += int(r.weight)
	}
	for i := range group {
		draw, running := random(sum+1), 0
		for j := i; j < len(group); j++ {
			if running += int(group[j].weight); running >= draw {
				sum -= int(group[j].weight)
				chosen := group[j]
				copy(group[i+1:j+1], group[i:j]) // the zeros stay in front
				group[i] = chosen
				break
			}
		}
	}
	return group
}

func shuffle[T any](s []T, random func(n int) int) {
	for i := len(s) - 1; i > 0; i-- {
		j := random(i + 1)
		s[i], s[j] = s[j], s[i]
	}
}

// joinRecords renders records for an operator.
func joinRecords(records []record) string {
	const most = 8
	var b strings.Builder
	for i, r := range records[:min(len(records), most)] {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString("priority " + strconv.Itoa(int(r.priority)) + " weight " + strconv.Itoa(int(r.weight)) + " port " + strconv.Itoa(int(r.port)) +
			" " + cmp.Or(r.host, `"."`))
	}
	if len(records) > most {
		b.WriteString("; and " + strconv.Itoa(len(records)-most) + " more")
	}
	return b.String()
}
