package main

import (
	"fmt"
	"time"

	"github.com/xylem-im/xylem/engine"
)

// componentFact is what status tells of a component.
type componentFact struct {
	Domain    string     `json:"domain"`
	Connected bool       `json:"connected"`
	Address   string     `json:"address,omitempty"` // of the component
	Since     *time.Time `json:"since,omitempty"`   // connected, or away; absent: never seen
	In        uint64     `json:"stanzas_in"`
	Out       uint64     `json:"stanzas_out"`
	Returned  uint64     `json:"stanzas_returned"`
	LastError string     `json:"last_error,omitempty"`
	ErrorAt   *time.Time `json:"last_error_at,omitempty"`
}

func componentFacts(list []engine.ComponentStatus) []componentFact {
	facts := make([]componentFact, len(list))
	for i, c := range list {
		facts[i] = componentFact{Domain: c.Domain, Connected: c.Connected, Address: c.Address, Since: timeOf(c.Since),
			In: c.In, Out: c.Out, Returned: c.Returned, LastError: c.LastError, ErrorAt: timeOf(c.ErrorAt)}
	}
	return facts
}

// timeOf is nil for never.
func timeOf(nanoseconds int64) *time.Time {
	if nanoseconds == 0 {
		return nil
	}
	t := time.Unix(0, nanoseconds)
	return &t
}

// describe is one line for people.
func (c *componentFact) describe(now time.Time) string {
	text := c.Domain
	ago := func(t time.Time) string { return now.Sub(t).Truncate(time.Second).String() }
	switch {
	case c.Connected:
		text += fmt.Sprintf(" from %s, up %s, %d stanzas in, %d out", c.Address, ago(*c.Since), c.In, c.Out)
	case c.Since != nil:
		text += " is away, for " + ago(*c.Since)
	default:
		text += " has not connected yet"
	}
	if c.Returned > 0 {
		text += fmt.Sprintf(", %d returned to senders", c.Returned)
	}
	if c.LastError != "" {
		text += fmt.Sprintf("; last error %s ago: %s", ago(*c.ErrorAt), c.LastError)
	}
	return text
}
