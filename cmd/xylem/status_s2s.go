package main

import (
	"fmt"
	"strings"

	"github.com/xylem-im/xylem/s2s"
)

// federationFact is what `xylem status` tells of other servers.
type federationFact struct {
	Domains     map[string]int `json:"domains"`     // by state; those that there are
	StreamsIn   int            `json:"streams_in"`  // opened by others
	StreamsOut  int            `json:"streams_out"` // opened by this server
	Queued      int            `json:"queued"`      // stanzas that wait for a stream
	QueuedBytes int            `json:"queued_bytes"`
}

func newFederationFact(c *s2s.Counts) *federationFact {
	f := &federationFact{Domains: make(map[string]int), StreamsIn: c.Incoming, StreamsOut: c.Outgoing, Queued: c.Queued, QueuedBytes: c.QueuedBytes}
	for state, n := range c.Domains {
		if n > 0 {
			f.Domains[s2s.State(state).String()] = n
		}
	}
	return f
}

// describe is one line for people.
func (f *federationFact) describe() string {
	var parts []string
	for state := range s2s.States {
		name := s2s.State(state).String()
		if n := f.Domains[name]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, name))
		}
	}
	if parts == nil {
		return "none in use"
	}
	return fmt.Sprintf("%s; streams: %d in, %d out; %d stanzas wait", strings.Join(parts, ", "), f.StreamsIn, f.StreamsOut, f.Queued)
}
