package jid

import "strings"

// MaxPart is the longest part in bytes, after preparation (RFC 7622 §3.2,
// §3.3, §3.4).
const MaxPart = 1023

// JID is a prepared address (RFC 7622). It is comparable with == and can be
// the key of a map; the zero value is "absent". It is 24 bytes and immutable.
type JID struct {
	s      string // canonical form: [local "@"] domain ["/" resource]
	local  uint16 // bytes of the localpart, 0: none
	domain uint16 // bytes of the domainpart, 0: the zero value
}

// Parse prepares s. The error is an *[Error].
func Parse(s string) (JID, error) {
	if local, domain, ok := scanCanonical(s); ok {
		return JID{s: s, local: local, domain: domain}, nil
	}
	return parseSlow(nil, s)
}

// ParseBytes prepares a copy of b; the result does not refer to b.
func ParseBytes(b []byte) (JID, error) { return Parse(string(b)) }

// New prepares an address of its parts. An empty localpart or resourcepart is
// an absent one; the domainpart must be there. The error is an *[Error].
func New(local, domain, resource string) (JID, error) {
	return build(nil, parts{
		local: local, domain: domain, resource: resource,
		hasLocal: local != "", hasResource: resource != "",
	})
}

// MustParse is [Parse] for constants and tests: it panics on an error.
func MustParse(s string) JID {
	j, err := Parse(s)
	if err != nil {
		panic(err.Error() + ": " + s)
	}
	return j
}

// Local is the localpart, "" when there is none.
func (j JID) Local() string { return j.s[:j.local] }

// Domain is the domainpart, "" for the zero value only.
func (j JID) Domain() string {
	start := j.domainStart()
	return j.s[start : start+int(j.domain)]
}

// Resource is the resourcepart, "" when there is none.
func (j JID) Resource() string {
	if end := j.bareLen(); end < len(j.s) {
		return j.s[end+1:]
	}
	return ""
}

// String is the canonical form, "" for the zero value.
func (j JID) String() string { return j.s }

// Bare is the address without its resourcepart. It shares j's bytes.
func (j JID) Bare() JID {
	j.s = j.s[:j.bareLen()]
	return j
}

// DomainJID is the address of the domain alone. It shares j's bytes.
func (j JID) DomainJID() JID { return JID{s: j.Domain(), domain: j.domain} }

// IsZero tells whether j is the zero value, the absent address.
func (j JID) IsZero() bool { return j.domain == 0 }

// IsBare tells whether j has no resourcepart; a domain alone is bare too, the
// zero value is not.
func (j JID) IsBare() bool { return j.domain != 0 && len(j.s) == j.bareLen() }

// IsFull tells whether j has a resourcepart.
func (j JID) IsFull() bool { return len(j.s) > j.bareLen() }

// IsDomain tells whether j is a domain alone.
func (j JID) IsDomain() bool { return j.domain != 0 && len(j.s) == int(j.domain) }

// WithResource is j with another resourcepart, which is prepared; "" takes it
// away. j must not be the zero value.
func (j JID) WithResource(resource string) (JID, error) {
	if j.IsZero() {
		return JID{}, &Error{PartDomain, ErrEmpty}
	}
	bare := j.Bare()
	if resource == "" {
		return bare, nil
	}
	buf := make([]byte, 0, len(bare.s)+1+len(resource))
	buf = append(append(buf, bare.s...), '/')
	buf, err := appendPart(buf, PartResource, resource)
	if err != nil {
		return JID{}, err
	}
	bare.s = string(buf)
	return bare, nil
}

// Clone is j on bytes of its own, for a JID that was cut from a longer one
// and shall not keep that alive.
func (j JID) Clone() JID {
	j.s = strings.Clone(j.s)
	return j
}

// View lends j as a [View].
func (j JID) View() View { return View{j} }

// MarshalText is the canonical form; the zero value is empty.
func (j JID) MarshalText() ([]byte, error) { return []byte(j.s), nil }

// UnmarshalText is [ParseBytes], but empty text is the zero value.
func (j *JID) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*j = JID{}
		return nil
	}
	parsed, err := ParseBytes(text)
	if err == nil {
		*j = parsed
	}
	return err
}

// domainStart is the offset of the domainpart.
func (j JID) domainStart() int {
	if j.local == 0 {
		return 0
	}
	return int(j.local) + 1
}

// bareLen is the length of the bare address.
func (j JID) bareLen() int { return j.domainStart() + int(j.domain) }
