package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// announce prints what was opened, and last the one line that scripts wait
// for. It begins with "ready"; fields are separated by spaces, several values
// of one field by commas:
//
//	ready c2s=127.0.0.1:5222 c2s-tls=127.0.0.1:5223 s2s=127.0.0.1:5269 s2s-tls=127.0.0.1:5270 http=127.0.0.1:5280 domains=localhost pid=4711
//
// A listener that is off has no field. Of many domains it names the first 20
// and, after a +, the number of the others.
func (s *server) announce() {
	for _, line := range describeAll(s.certs.facts(), time.Now()) {
		s.say("%s", line)
	}
	for _, a := range s.addresses() {
		s.say("listening: %s %s (%s)", a.Name, a.Address, a.purpose())
	}
	domains := s.engine.Domains()
	s.say("add an account: xylem user add NAME@%s --data %s", first(domains, "DOMAIN"), s.conf.Load().Server.Data)
	s.serving.Store(true)
	s.admin.start(s.log)
	s.public.start(s.log)
	s.say("%s", s.readyLine(domains))
	s.tellSystemd("READY=1")
}

func first(list []string, otherwise string) string {
	if len(list) == 0 {
		return otherwise
	}
	return list[0]
}

func (s *server) readyLine(domains []string) string {
	var b strings.Builder
	b.WriteString("ready")
	last := ""
	for _, a := range s.addresses() { // those of one name stand together
		if a.Name == last {
			b.WriteString("," + a.Address)
			continue
		}
		last = a.Name
		b.WriteString(" " + a.Name + "=" + a.Address)
	}
	fmt.Fprintf(&b, " domains=%s pid=%d", abridged(domains, ","), os.Getpid())
	return b.String()
}

// describeAll has one line for each certificate, as long as they are few.
// Of many it tells their number and those that end first.
func describeAll(facts []certificateFact, now time.Time) (lines []string) {
	if len(facts) > most {
		self, made := 0, 0
		for _, f := range facts {
			if f.SelfSigned {
				self++
			}
			if f.made {
				made++
			}
		}
		lines = append(lines, fmt.Sprintf("certificates: %d, self-signed %d, of which made now %d; these end first:", len(facts), self, made))
		facts = slices.Clone(facts)
		firstToEnd(facts)
		facts = facts[:3]
	}
	for _, f := range facts {
		lines = append(lines, f.describe(now))
	}
	return lines
}
