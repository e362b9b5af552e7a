package main

import (
	"fmt"
	"log/slog"
	"math"
	"slices"
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
	// No domains and all are held: nothing is made or written.
	certs := newCertificates("", 1, slog.New(slog.DiscardHandler))
	if err := certs.update(l.TLS.Certificates, nil, math.MaxInt, time.Now()); err != nil {
		return usageError{err}
	}
	if _, err := newFederation(&l.config); err != nil {
		return usageError{err}
	}
	for _, f := range certs.facts() {
		if w := f.warning(time.Now()); w != "" {
			fmt.Fprintf(p.stderr, "xylem: warning: certificate %s %s\n", f.File, w)
		}
	}
	for _, w := range l.warnings() {
		fmt.Fprintln(p.stderr, "xylem: warning:", w)
	}
	fmt.Fprintf(p.stdout, "%s: good; domains %s, data folder %s\n", fs.Arg(0), abridged(l.Server.Domains, ", "), l.Server.Data)
	lacking := slices.DeleteFunc(slices.Clone(l.Server.Domains), func(d string) bool { return certs.set.find(d) != nil })
	for _, d := range lacking[:min(len(lacking), most)] {
		fmt.Fprintf(p.stdout, "%s: no certificate is configured; serve makes a self-signed one\n", d)
	}
	if len(lacking) > most {
		fmt.Fprintf(p.stdout, "and %d more domains without a certificate\n", len(lacking)-most)
	}
	return nil
}
