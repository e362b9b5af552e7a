package testca

import (
	"encoding/asn1"
	"testing"
)

var (
	oidSubjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidXMPPAddr       = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 8, 5}
	oidDNSSRV         = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 8, 7}
)

// names is the content of the subjectAltName extension, nil for none. The
// standard library cannot write otherName (RFC 5280 §4.2.1.6).
func (l *Leaf) names(t testing.TB) []byte {
	var names []asn1.RawValue
	add := func(tag int, content []byte) {
		names = append(names, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, Bytes: content})
	}
	for _, name := range l.DNS {
		add(2, []byte(name))
	}
	for _, ip := range l.IPs {
		if v4 := ip.To4(); v4 != nil {
			ip = v4
		}
		add(7, ip)
	}
	other := func(oid asn1.ObjectIdentifier, tag int, value string) {
		names = append(names, asn1.RawValue{FullBytes: marshal(t, otherName{
			Type: oid,
			Value: asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true,
				Bytes: marshal(t, asn1.RawValue{Tag: tag, Bytes: []byte(value)}, "")},
		}, "tag:0")})
	}
	for _, name := range l.SRV {
		other(oidDNSSRV, asn1.TagIA5String, name)
	}
	for _, name := range l.XMPP {
		other(oidXMPPAddr, asn1.TagUTF8String, name)
	}
	if names == nil {
		return nil
	}
	return marshal(t, names, "")
}

type otherName struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue // [0] EXPLICIT
}

func marshal(t testing.TB, value any, params string) []byte {
	t.Helper()
	der, err := asn1.MarshalWithParams(value, params)
	if err != nil {
		t.Fatal(err)
	}
	return der
}
