package main

import "strings"

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
	item := certificateConfig{at: s.item(index)}
	readTable(s, index, t, "a certificate has domains, cert and key", []tableKey{
		{name: "domains", field: &item.Domains, accept: `domains such as ["example.org", "*.example.org"]`,
			check: func() error { return checkCertificateDomains(item.Domains) }},
		{name: "cert", field: &item.Cert, accept: certFile},
		{name: "key", field: &item.Key, accept: keyFile},
	}, faults)
	for _, need := range []struct{ name, value, what string }{{"cert", item.Cert, certFile}, {"key", item.Key, keyFile}} {
		if _, given := t[need.name]; !given || need.value == "" && isString(t[need.name]) {
			faults.add(&configError{at: item.at, key: s.key + "." + need.name, problem: "is missing", accept: need.what, mend: "add " + need.name + ` = "FILE"`})
		}
	}
	item.Cert, item.Key = below(folder, item.Cert), below(folder, item.Key)
	return item
}

// What the keys of a certificate take.
const (
	certFile = "the PEM file with the certificate"
	keyFile  = "the PEM file with its private key"
)

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
