package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// checkConfig reads a file as serve would, certificates included, and opens
// nothing.
func (p *program) checkConfig(fs *pflag.FlagSet, args []string) error {
	if done, err := p.parse(fs, args, 1, 1); done || err != nil {
		return err
	}
	l, err := loadConfig(fs.Arg(0), nil)
	if err != nil {
		return usageError{err}
	}
	// No domains: nothing is made or written.
	set, err := buildCertificates(l.TLS.Certificates, nil, "", time.Now())
	if err != nil {
		return usageError{err}
	}
	for _, f := range set.facts {
		if w := f.warning(time.Now()); w != "" {
			fmt.Fprintf(p.stderr, "xylem: warning: certificate %s %s\n", f.File, w)
		}
	}
	for _, w := range l.warnings() {
		fmt.Fprintln(p.stderr, "xylem: warning:", w)
	}
	fmt.Fprintf(p.stdout, "%s: good; domains %s, data folder %s\n", fs.Arg(0), strings.Join(l.Server.Domains, ", "), l.Server.Data)
	for _, d := range l.Server.Domains {
		if set.find(d) == nil {
			fmt.Fprintf(p.stdout, "%s: no certificate is configured; serve makes a self-signed one\n", d)
		}
	}
	return nil
}
