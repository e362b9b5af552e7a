package jid

import (
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/text/secure/precis"
)

// The limits of DNS (RFC 1034 §3.1) in bytes of the text form, without the
// final dot and counted in A-labels.
const (
	maxLabel = 63
	maxName  = 253
)

// Both map as RFC 5895 says and check labels: hyphens, joiners, bidi, the
// letter-digit-hyphen rule for ASCII. asciiForm adds the limits of DNS.
var (
	unicodeForm = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.BidiRule())
	asciiForm   = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.BidiRule(), idna.VerifyDNSLength(true))
)

// labels refuses in U-labels what IDNA2008 (RFC 5892) does not have but UTS 46
// does: symbols and emoji. The IdentifierClass of RFC 8264 §4.2 is built on the
// same derivation of letters and digits, with the same contextual rules.
var labels = precis.NewIdentifier()

// appendDomain prepares a domainpart (RFC 7622 §3.2).
func appendDomain(dst []byte, s string) ([]byte, error) {
	if s[0] == '[' {
		return appendAddress(dst, s)
	}
	start := len(dst)
	if isASCII(s) {
		dst = appendLower(dst, strings.TrimSuffix(s, "."))
		if n, ok := scanName(lend(dst[start:])); ok && n == len(dst)-start {
			return dst, nil
		}
		dst = dst[:start]
	}
	name, err := prepareName(s)
	if err != nil {
		return dst, err
	}
	return append(dst, name...), nil
}

// prepareName maps a domain name to its U-labels and validates it. One final
// dot is removed, which the mapping may have made of U+3002 and its like.
func prepareName(s string) (string, error) {
	mapped, err := unicodeForm.ToUnicode(s)
	if err != nil {
		return "", ErrDomain
	}
	mapped = strings.TrimSuffix(mapped, ".")
	for range maxRounds {
		if s = mapped; s == "" {
			return "", ErrEmpty
		}
		if mapped, err = unicodeForm.ToUnicode(s); err != nil {
			return "", ErrDomain
		}
		if mapped == s {
			return s, validName(s)
		}
	}
	return "", ErrDomain
}

// validName checks what the mapping does not: symbols and the limits of DNS.
func validName(s string) error {
	if !isASCII(s) {
		for label := range strings.SplitSeq(s, ".") {
			if _, err := labels.String(label); err != nil {
				return ErrDomain
			}
		}
	}
	ascii, err := asciiForm.ToASCII(s)
	switch {
	case len(ascii) > maxName:
		return ErrTooLong
	case err != nil || strings.HasSuffix(ascii, "."):
		return ErrDomain
	}
	return nil
}

// appendAddress prepares an IPv6 address in brackets, in the form of RFC 5952.
// IPv4 addresses need no brackets and look like a domain name; zones have no
// meaning beyond one host (RFC 6874 §1).
func appendAddress(dst []byte, s string) ([]byte, error) {
	inner, found := strings.CutSuffix(s[1:], "]")
	if !found {
		return dst, ErrDomain
	}
	addr, err := netip.ParseAddr(inner)
	if err != nil || !addr.Is6() || addr.Zone() != "" {
		return dst, ErrDomain
	}
	dst = append(dst, '[')
	dst = addr.AppendTo(dst)
	return append(dst, ']'), nil
}

func appendLower(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		dst = append(dst, lower(s[i]))
	}
	return dst
}
