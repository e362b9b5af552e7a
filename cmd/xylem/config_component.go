package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/xylem-im/xylem/engine"
)

// componentKey is the array of tables that names external components.
const componentKey = "components.service"

// applyComponents reads [[components.service]] (or a list of inline tables). The
// list replaces an earlier one.
func (l *loaded) applyComponents(s setting, faults *configErrors) {
	s.secret = true
	l.Components.Services = []componentConfig{}
	for i, t := range tables(s, "write a line [[components.service]] with double brackets, and below it domain, and secret or secret_file",
		`{domain = "bridge.example.org", secret = "…"}`, faults) {
		if t != nil {
			l.Components.Services = append(l.Components.Services, readComponent(s, i, t, faults))
		}
	}
	l.origins[s.key] = s.at
}

// readComponent reads one table. No message repeats a secret.
func readComponent(s setting, index int, t map[string]any, faults *configErrors) componentConfig {
	item := componentConfig{at: s.item(index)}
	secretFile := ""
	readTable(s, index, t, "a component has domain, and secret or secret_file", []tableKey{
		{name: "domain", field: &item.Domain, accept: `a domain, such as "bridge.example.org"`, check: func() (err error) {
			item.Domain, err = prepareDomain(item.Domain)
			return err
		}},
		{name: "secret", field: &item.Secret, accept: "a string that the component has, too", secret: true, check: func() error {
			if item.Secret == "" {
				return errors.New("is empty: anybody could be the component")
			}
			return nil
		}},
		{name: "secret_file", field: &secretFile, accept: "a file that holds the secret and nothing else, such as /etc/xylem/bridge.secret", check: func() (err error) {
			item.Secret, err = readSecret(secretFile)
			return err
		}},
	}, faults)
	if _, given := t["domain"]; !given {
		faults.add(&configError{at: item.at, key: s.key + ".domain", problem: "is missing", mend: `add domain = "…"`})
	}
	_, inline := t["secret"]
	_, inFile := t["secret_file"]
	switch {
	case inline && inFile:
		faults.add(&configError{at: item.at, key: s.key + ".secret_file", problem: "is given beside secret", mend: "remove one of them"})
	case !inline && !inFile:
		faults.add(&configError{at: item.at, key: s.key + ".secret", problem: "is missing", mend: `add secret = "…", or secret_file = "…" to keep it out of this file`})
	}
	return item
}

// mostSecretBytes bounds what is read of a file that may be the wrong one.
const mostSecretBytes = 4096

// readSecret reads a secret from a file. White space at its ends, such as the
// end of its line, is none of it.
func readSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("cannot be read: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, mostSecretBytes+1))
	secret := strings.TrimSpace(string(b))
	switch {
	case err != nil:
		return "", fmt.Errorf("cannot be read: %w", err)
	case len(b) > mostSecretBytes:
		return "", fmt.Errorf("holds more than %d bytes: is it the right file?", mostSecretBytes)
	case secret == "":
		return "", errors.New("is empty: anybody could be the component")
	case strings.ContainsAny(secret, "\r\n"):
		return "", errors.New("holds more than one line")
	}
	return secret, nil
}

// checkComponents wants each domain once, and a place for components to connect.
func (l *loaded) checkComponents(faults *configErrors) {
	owner := make(map[string]string)
	for _, d := range l.Server.Domains {
		owner[d] = "is in server.domains (" + l.originOf("server.domains").String() + "), whose accounts would be out of reach"
	}
	for _, c := range l.Components.Services {
		if problem, taken := owner[c.Domain]; taken {
			faults.add(&configError{at: c.at, key: componentKey + ".domain", value: valueText(c.Domain), problem: problem,
				mend: "give the component a domain of its own, such as bridge." + c.Domain})
			continue
		}
		owner[c.Domain] = "is the domain of another component (" + c.at.String() + ")"
	}
	if len(l.Components.Services) > 0 && len(l.Components.Listen)+len(l.Components.ListenTLS) == 0 {
		faults.add(&configError{at: l.originOf(componentKey), key: componentKey, problem: "is of no use, as nothing listens for components",
			mend: `add components.listen = "127.0.0.1:5347"`})
	}
}

// engineComponents are the components as the engine takes them.
func engineComponents(c *config) []engine.Component {
	list := make([]engine.Component, len(c.Components.Services))
	for i, s := range c.Components.Services {
		list[i] = engine.Component{Domain: s.Domain, Secret: s.Secret}
	}
	return list
}

// componentDomains are their domains.
func componentDomains(list []componentConfig) []string {
	domains := make([]string, len(list))
	for i, c := range list {
		domains[i] = c.Domain
	}
	return domains
}

// certifiedDomains are the domains that need a certificate: those of accounts, and
// where other servers connect those of components, which they reach by name too.
func (c *config) certifiedDomains() []string {
	if !c.federates() {
		return c.Server.Domains
	}
	return union(c.Server.Domains, componentDomains(c.Components.Services))
}

// changedSecrets are the domains of components in both lists whose secrets
// differ.
func changedSecrets(old, now []componentConfig) (changed []string) {
	for _, c := range now {
		if slices.ContainsFunc(old, func(o componentConfig) bool { return o.Domain == c.Domain && o.Secret != c.Secret }) {
			changed = append(changed, c.Domain)
		}
	}
	return changed
}
