package main

import (
	"fmt"
	"strings"
)

// certificateKey is the array of tables that names certificate files.
const certificateKey = "tls.certificate"

// applyCertificates reads [[tls.certificate]] (or a list of inline tables).
// The list replaces an earlier one.
func (l *loaded) applyCertificates(s setting, folder string, faults *configErrors) {
	l.TLS.Certificates = nil
	for i, t := range tables(s, "write a line [[tls.certificate]] with double brackets, and below it cert and key",
		`{domains = ["example.org"], cert = "FILE", key = "FILE"}`, faults) {
		if t != nil {
			l.TLS.Certificates = append(l.TLS.Certificates, readCertificate(s, i, t, folder, faults))
		}
	}
	l.origins[s.key] = s.at
}

// readCertificate reads one table. Its positions are those of the item where
// the document has them.
func readCertificate(s setting, index int, t map[string]any, folder string, faults *configErrors) certificateConfig {
	item := certificateConfig{at: s.within(fmt.Sprintf("[%d]", index))}
	fields := map[string]any{"domains": &item.Domains, "cert": &item.Cert, "key": &item.Key}
	for _, name := range sortedKeys(t) {
		fault := &configError{at: s.within(fmt.Sprintf("[%d].%s", index, name)), key: s.key + "." + name}
		field, known := fields[name]
		if !known {
			fault.problem, fault.mend = "is no key", "a certificate has domains, cert and key"
			faults.add(fault)
			continue
		}
		fault.value = valueText(t[name])
		if err := assign(field, t[name]); err != nil {
			fault.problem = err.Error()
			faults.add(fault)
		} else if err := checkCertificateDomains(item.Domains); err != nil && name == "domains" {
			fault.problem, fault.accept = err.Error(), `domains such as ["example.org", "*.example.org"]`
			faults.add(fault)
		}
	}
	for _, need := range []struct{ name, value, what string }{{"cert", item.Cert, "the PEM file with the certificate"}, {"key", item.Key, "the PEM file with its private key"}} {
		if _, given := t[need.name]; !given || need.value == "" && isString(t[need.name]) {
			faults.add(&configError{at: item.at, key: s.key + "." + need.name, problem: "is missing", accept: need.what, mend: "add " + need.name + ` = "FILE"`})
		}
	}
	item.Cert, item.Key = below(folder, item.Cert), below(folder, item.Key)
	return item
}

func isString(v any) bool { _, ok := v.(string); return ok }

// checkCertificateDomains prepares the names in place; "*." may come first.
func checkCertificateDomains(domains []string) error {
	for i, d := range domains {
		name, wild := strings.CutPrefix(d, "*.")
		prepared, err := prepareDomain(name)
		if err != nil {
			return err
		}
		if wild {
			prepared = "*." + prepared
		}
		domains[i] = prepared
	}
	return nil
}

// checkCertificateNames refuses two certificates for one name.
func (l *loaded) checkCertificateNames(faults *configErrors) {
	owner := make(map[string]origin)
	for _, c := range l.TLS.Certificates {
		for _, d := range c.Domains {
			if other, taken := owner[d]; taken {
				faults.add(&configError{at: c.at, key: certificateKey + ".domains", value: valueText(d),
					problem: "already has the certificate of " + other.String(), mend: "name each domain once"})
				continue
			}
			owner[d] = c.at
		}
	}
}
