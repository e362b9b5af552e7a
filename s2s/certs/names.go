package certs

import (
	"crypto/x509"
	"encoding/asn1"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/xylem-im/xylem/jid"
)

// srvService is the service of an SRV-ID that counts between servers, RFC 6120
// §13.7.1.2.1.
const srvService = "_xmpp-server."

// maxNames of each kind are looked at, and the rest of a certificate that has
// more is left: the largest of public authorities have 100, and a peer must
// not make us compare for ever.
const maxNames = 1000

// names are whom a certificate is for, domains in their ASCII form. The
// subject's common name is not among them (RFC 9525 §2).
type names struct {
	dns  []string // DNS-ID; a wildcard keeps its "*."
	srv  []string // domains of SRV-IDs for _xmpp-server
	xmpp []string // domains of XmppAddrs
	ips  []netip.Addr
}

// namesOf reads the names of a certificate. What is no domain name is left
// out: nobody can be called so.
func namesOf(cert *x509.Certificate) (n names) {
	for _, name := range cert.DNSNames[:min(len(cert.DNSNames), maxNames)] {
		rest, wild := strings.CutPrefix(name, "*.")
		domain, ok := ascii(rest)
		if !ok || strings.Contains(domain, "*") {
			continue // a wildcard is a whole label and the first, RFC 9525 §6.3
		}
		if wild {
			domain = "*." + domain
		}
		n.dns = append(n.dns, domain)
	}
	for _, ip := range cert.IPAddresses[:min(len(cert.IPAddresses), maxNames)] {
		if addr, ok := netip.AddrFromSlice(ip); ok {
			n.ips = append(n.ips, addr.Unmap())
		}
	}
	for _, ext := range cert.Extensions {
		if ext.Id.Equal(oidSubjectAltName) {
			n.addOther(ext.Value)
		}
	}
	return n
}

// ascii brings a name in a certificate into the form that is compared.
func ascii(name string) (string, bool) {
	j, err := jid.New("", name, "")
	if err != nil {
		return "", false
	}
	domain, err := jid.DomainASCII(j.Domain())
	return domain, err == nil
}

var (
	oidSubjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidXMPPAddr       = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 8, 5} // RFC 6120 §13.7.1.4
	oidDNSSRV         = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 8, 7} // RFC 4985 §2
)

// otherName is that of RFC 5280 §4.2.1.6.
type otherName struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue // [0] EXPLICIT, which package asn1 does not unwrap for a RawValue
}

// addOther takes SRV-IDs and XmppAddrs out of the subjectAltName extension, as
// crypto/x509 does not know them. What cannot be read is skipped: it proves
// nothing.
func (n *names) addOther(san []byte) {
	var list asn1.RawValue
	if rest, err := asn1.Unmarshal(san, &list); err != nil || len(rest) > 0 || list.Tag != asn1.TagSequence {
		return
	}
	for rest := list.Bytes; len(rest) > 0; {
		var name asn1.RawValue
		var err error
		if rest, err = asn1.Unmarshal(rest, &name); err != nil {
			return
		}
		if name.Class != asn1.ClassContextSpecific || name.Tag != 0 || len(n.srv)+len(n.xmpp) >= maxNames {
			continue
		}
		var other otherName
		if after, err := asn1.UnmarshalWithParams(name.FullBytes, &other, "tag:0"); err != nil || len(after) > 0 ||
			other.Value.Class != asn1.ClassContextSpecific || other.Value.Tag != 0 {
			continue
		}
		var value asn1.RawValue
		if after, err := asn1.Unmarshal(other.Value.Bytes, &value); err == nil && len(after) == 0 {
			n.addOtherName(other.Type, value)
		}
	}
}

func (n *names) addOtherName(kind asn1.ObjectIdentifier, raw asn1.RawValue) {
	value := string(raw.Bytes)
	switch {
	case raw.Class != asn1.ClassUniversal || raw.IsCompound || !utf8.ValidString(value):
	case kind.Equal(oidDNSSRV) && raw.Tag == asn1.TagIA5String:
		// RFC 4985 §2 gives the name of a service at a domain; it knows no wildcard.
		if len(value) > len(srvService) && strings.EqualFold(value[:len(srvService)], srvService) {
			if domain, ok := ascii(value[len(srvService):]); ok {
				n.srv = append(n.srv, domain)
			}
		}
	case kind.Equal(oidXMPPAddr) && raw.Tag == asn1.TagUTF8String:
		// Of a server it is a bare domainpart, RFC 6120 §13.7.1.4; addresses of users
		// are in their certificates.
		if domain, ok := ascii(value); ok {
			n.xmpp = append(n.xmpp, domain)
		}
	}
}

// match tells whether one of the names is that of a domain. With onlyDNS
// SRV-IDs and XmppAddrs do not count, see unconstrained.
func (n *names) match(domain string, onlyDNS bool) bool {
	if addr, err := netip.ParseAddr(strings.Trim(domain, "[]")); err == nil {
		return slices.Contains(n.ips, addr) // RFC 9525 §6.4: no name is compared with an address
	}
	name, err := jid.DomainASCII(domain)
	if err != nil || strings.HasPrefix(name, "*") {
		return false
	}
	if slices.Contains(n.dns, name) {
		return true
	}
	if _, parent, ok := strings.Cut(name, "."); ok && slices.Contains(n.dns, "*."+parent) {
		return true
	}
	return !onlyDNS && (slices.Contains(n.srv, name) || slices.Contains(n.xmpp, name))
}

// String lists the names for an operator, some of many.
func (n *names) String() string {
	const most = 8
	list := slices.Clone(n.dns[:min(len(n.dns), most)])
	for _, more := range [][]string{n.srv, n.xmpp} {
		for _, name := range more {
			if !slices.Contains(list, name) {
				list = append(list, name)
			}
		}
	}
	for _, ip := range n.ips {
		list = append(list, ip.String())
	}
	if len(list) > most {
		list = append(list[:most:most], "…")
	}
	return strings.Join(list, ", ")
}
