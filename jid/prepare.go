package jid

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
)

// maxRaw bounds a part before preparation: mapping fullwidth forms and
// composing characters makes a string at most three times shorter, so a
// longer part cannot become a valid one and is not worth preparing.
const maxRaw = 4 * MaxPart

// maxRounds is how often a profile is applied until it must have become
// stable, RFC 8264 §7.
const maxRounds = 4

// parts are the parts of an address before preparation.
type parts struct {
	local, domain, resource string
	hasLocal, hasResource   bool
}

// split cuts s as RFC 7622 §3.1 and RFC 7622 §3.2 order: first the resource
// behind the first "/", then the localpart before the first "@".
func split(s string) (p parts) {
	p.domain, p.resource, p.hasResource = strings.Cut(s, "/")
	if local, domain, found := strings.Cut(p.domain, "@"); found {
		p.local, p.domain, p.hasLocal = local, domain, true
	}
	return p
}

// parseSlow prepares s into *scratch, or into a new string when scratch is nil.
func parseSlow(scratch *[]byte, s string) (JID, error) { return build(scratch, split(s)) }

// build prepares the parts and joins them, in *scratch if that is given.
func build(scratch *[]byte, p parts) (j JID, err error) {
	var buf []byte
	if scratch != nil {
		buf = (*scratch)[:0]
	}
	if p.hasLocal {
		if buf, err = appendPart(buf, PartLocal, p.local); err != nil {
			return JID{}, err
		}
		j.local = uint16(len(buf))
		buf = append(buf, '@')
	}
	start := len(buf)
	if buf, err = appendPart(buf, PartDomain, p.domain); err != nil {
		return JID{}, err
	}
	j.domain = uint16(len(buf) - start)
	if p.hasResource {
		buf = append(buf, '/')
		if buf, err = appendPart(buf, PartResource, p.resource); err != nil {
			return JID{}, err
		}
	}
	if scratch != nil {
		*scratch = buf
		j.s = lend(buf)
		return j, nil
	}
	j.s = string(buf)
	return j, nil
}

// appendPart appends the prepared form of s to dst, or tells why s has none.
func appendPart(dst []byte, part Part, s string) ([]byte, error) {
	start := len(dst)
	reason := error(nil)
	switch {
	case s == "":
		reason = ErrEmpty
	case len(s) > maxRaw:
		reason = ErrTooLong
	case !utf8.ValidString(s):
		reason = ErrUTF8
	case part == PartLocal:
		dst, reason = appendLocal(dst, s)
	case part == PartDomain:
		dst, reason = appendDomain(dst, s)
	default:
		dst, reason = appendResource(dst, s)
	}
	if reason == nil && len(dst)-start > MaxPart {
		reason = ErrTooLong
	}
	if reason != nil {
		return dst[:start], &Error{part, reason}
	}
	return dst, nil
}

// appendLocal applies UsernameCaseMapped (RFC 8265 §3.3) and the exclusions
// of RFC 7622 §3.3.1.
func appendLocal(dst []byte, s string) ([]byte, error) {
	if isASCII(s) {
		for i := 0; i < len(s); i++ {
			c := lower(s[i])
			if classes[c]&inLocal == 0 {
				if excluded(c) {
					return dst, ErrExcluded
				}
				return dst, ErrProfile
			}
			dst = append(dst, c)
		}
		return dst, nil
	}
	if hasExcluded(s) {
		return dst, ErrExcluded
	}
	mapped, err := stable(precis.UsernameCaseMapped, s)
	if err != nil {
		return dst, err
	}
	if hasExcluded(mapped) {
		return dst, ErrExcluded
	}
	return append(dst, mapped...), nil
}

// appendResource applies OpaqueString (RFC 8265 §4.2).
func appendResource(dst []byte, s string) ([]byte, error) {
	if isASCII(s) {
		for i := 0; i < len(s); i++ {
			if classes[s[i]]&inResource == 0 {
				return dst, ErrProfile
			}
		}
		return append(dst, s...), nil
	}
	mapped, err := stable(precis.OpaqueString, s)
	if err != nil {
		return dst, err
	}
	return append(dst, mapped...), nil
}

// stable applies a profile until it changes nothing any more; a string that
// goes on changing is refused (RFC 8264 §7).
func stable(profile *precis.Profile, s string) (string, error) {
	for range maxRounds {
		mapped, err := profile.String(s)
		if err != nil || mapped == "" {
			return "", ErrProfile
		}
		if mapped == s {
			return s, nil
		}
		s = mapped
	}
	return "", ErrProfile
}

func hasExcluded(s string) bool { return strings.ContainsAny(s, `"&'/:<>@`) }

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c | 0x20
	}
	return c
}
