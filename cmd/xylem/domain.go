package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/pflag"
)

func (p *program) domainAdd(fs *pflag.FlagSet, args []string) error {
	return p.domainCommand(fs, args, http.MethodPost, "added %s; write it into server.domains to keep it after a restart\n")
}

func (p *program) domainDel(fs *pflag.FlagSet, args []string) error {
	return p.domainCommand(fs, args, http.MethodDelete, "removed %s; remove it from server.domains to keep it away after a restart\n")
}

func (p *program) domainCommand(fs *pflag.FlagSet, args []string, method, did string) error {
	client, done, err := p.dialCommand(fs, args, 1, 1)
	if done || err != nil {
		return err
	}
	defer client.Close()
	domain, err := prepareDomain(fs.Arg(0))
	if err != nil {
		return usageError{err}
	}
	if err := client.call(context.Background(), method, "/v1/domains", url.Values{"domain": {domain}}, nil, nil); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, did, domain)
	return nil
}

func (p *program) domainList(fs *pflag.FlagSet, args []string) error {
	client, done, err := p.dialCommand(fs, args, 0, 0)
	if done || err != nil {
		return err
	}
	defer client.Close()
	domains, err := client.domains(context.Background())
	for _, d := range domains {
		fmt.Fprintln(p.stdout, d)
	}
	return err
}

// dialCommand is the start of a command that needs a running server and takes
// between low and high arguments.
func (p *program) dialCommand(fs *pflag.FlagSet, args []string, low, high int) (client *adminClient, done bool, err error) {
	var flags configFlags
	flags.register(fs)
	if done, err := p.parse(fs, args, low, high); done || err != nil {
		return nil, done, err
	}
	conf, err := flags.load()
	if err != nil {
		return nil, false, usageError{err}
	}
	client, err = dialAdmin(conf.Server.Data)
	if errors.Is(err, errNotRunning) {
		err = fmt.Errorf("%w (%s); start it with xylem serve, or name its folder with --data or --config", err, conf.Server.Data)
	}
	return client, false, err
}

// addDomain serves a domain at run time. Its certificate comes first, so that
// the first client already gets the right one.
func (s *server) addDomain(domain string) error {
	s.changes.Lock()
	defer s.changes.Unlock()
	domain, err := prepareDomain(domain)
	if err != nil {
		return errors.Join(errRequest, err)
	}
	if err := s.certify(domain, time.Now()); err != nil {
		return err
	}
	if err := s.engine.AddDomain(domain); err != nil {
		return err
	}
	s.log.Info("domain added", "domain", domain)
	return nil
}

// removeDomain stops serving a domain; its accounts stay in the store.
func (s *server) removeDomain(domain string) error {
	s.changes.Lock()
	defer s.changes.Unlock()
	if !s.engine.RemoveDomain(domain) {
		return fmt.Errorf("%w: %s", errDomainAbsent, domain)
	}
	s.log.Info("domain removed", "domain", domain)
	return nil
}
