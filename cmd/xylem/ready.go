package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// announce prints what was opened, and last the one line that scripts wait
// for. It begins with "ready"; fields are separated by spaces, several values
// of one field by commas:
//
//	ready c2s=127.0.0.1:5222 c2s-tls=127.0.0.1:5223 http=127.0.0.1:5280 domains=localhost pid=4711
//
// A listener that is off has no field.
func (s *server) announce() {
	now := time.Now()
	for _, f := range s.certs.current.Load().facts {
		s.say("%s", f.describe(now))
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
	fmt.Fprintf(&b, " domains=%s pid=%d", strings.Join(domains, ","), os.Getpid())
	return b.String()
}

// describe is the certificate in one line for people.
func (f certificateFact) describe(now time.Time) string {
	kind := ""
	switch {
	case f.made:
		kind = "self-signed, made now, "
	case f.SelfSigned:
		kind = "self-signed, "
	}
	line := fmt.Sprintf("certificate: %s: %svalid until %s (%s)", strings.Join(f.Domains, ", "), kind, f.NotAfter.Format(time.DateOnly), f.File)
	if w := f.warning(now); w != "" {
		line += "; WARNING: it " + w
	}
	return line
}
