package sasl

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"
)

var (
	// ErrUsername is returned for a name that cannot be a localpart.
	ErrUsername = errors.New("sasl: not a valid user name")
	// ErrPassword is returned for a password that is empty, longer than
	// MaxPassword or holds characters that cannot be prepared.
	ErrPassword = errors.New("sasl: not a valid password")
)

// notInLocalpart are the ASCII characters that UsernameCaseMapped admits and
// RFC 7622 §3.3.1 takes out again.
const notInLocalpart = `"&'/:<>@`

// PrepareUsername maps a simple user name to the localpart of an address: the
// UsernameCaseMapped profile of RFC 8265 §3.3 without the characters that RFC
// 7622 §3.3.1 forbids. It allocates nothing for lower-case ASCII. The error is
// ErrUsername.
func PrepareUsername(s string) (string, error) {
	if s == "" || len(s) > MaxUsername || strings.ContainsAny(s, notInLocalpart) {
		return "", ErrUsername
	}
	if printableASCII(s, '!') {
		return strings.ToLower(s), nil
	}
	p, err := precis.UsernameCaseMapped.String(s)
	// Width mapping may have made a forbidden character out of a full-width one.
	if err != nil || p == "" || len(p) > MaxUsername || strings.ContainsAny(p, notInLocalpart) {
		return "", ErrUsername
	}
	return p, nil
}

// printableASCII tells whether s consists of the characters first..'~'.
func printableASCII(s string, first byte) bool {
	for i := range len(s) {
		if s[i] < first || s[i] > '~' {
			return false
		}
	}
	return true
}

// preparePassword returns the password as OpaqueString (RFC 8265 §4.2) makes
// it and, in legacy, as a client with SASLprep (RFC 4013) makes it. Most
// often they are equal. A password that only SASLprep admits (it drops soft
// hyphens and joiners, OpaqueString refuses them) is taken in that form.
func preparePassword(s string) (prepared, legacy string, err error) {
	if s == "" || len(s) > MaxPassword || !utf8.ValidString(s) {
		return "", "", ErrPassword
	}
	if printableASCII(s, ' ') {
		return s, s, nil
	}
	legacy, legacyErr := saslprep(s)
	prepared, err = precis.OpaqueString.String(s)
	switch {
	case err == nil && legacyErr == nil:
		return prepared, legacy, nil
	case err == nil:
		return prepared, prepared, nil
	case legacyErr == nil:
		return legacy, legacy, nil
	}
	return "", "", ErrPassword
}

// saslprep does the mapping, normalisation and prohibition of RFC 4013 §2 with
// today's Unicode tables. The bidirectional rule and the ban of unassigned
// code points are left out: they only refuse, and a password is not shown.
func saslprep(s string) (string, error) {
	mapped := strings.Map(func(r rune) rune {
		switch {
		case mappedToNothing(r):
			return -1
		case unicode.Is(unicode.Zs, r) || r == 0x200B: // RFC 3454 C.1.2
			return ' '
		}
		return r
	}, s)
	p := norm.NFKC.String(mapped)
	for _, r := range p {
		if unicode.IsControl(r) || unicode.In(r, unicode.Co, unicode.Cs) || r == unicode.ReplacementChar {
			return "", ErrPassword
		}
	}
	if p == "" {
		return "", ErrPassword
	}
	return p, nil
}

// mappedToNothing is table B.1 of RFC 3454.
func mappedToNothing(r rune) bool {
	switch r {
	case 0x00AD, 0x034F, 0x1806, 0x180B, 0x180C, 0x180D, 0x200C, 0x200D, 0x2060, 0xFEFF:
		return true
	}
	return r >= 0xFE00 && r <= 0xFE0F
}
