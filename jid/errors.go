package jid

import "errors"

// Reasons why a string is no address; an [Error] wraps one of them. The peer
// sees a stanza error jid-malformed (RFC 6120 §8.3.3.8), or improper-addressing
// when the address is that of a stream.
var (
	// ErrEmpty is a part of no bytes: no domainpart, nothing before an "@"
	// or nothing after the "/" (RFC 7622 §3.1).
	ErrEmpty = errors.New("jid: empty part")
	// ErrTooLong is a part of more than 1023 bytes, or a domain name beyond
	// the limits of DNS (RFC 7622 §3.2).
	ErrTooLong = errors.New("jid: part too long")
	// ErrUTF8 is a part that is not valid UTF-8.
	ErrUTF8 = errors.New("jid: invalid UTF-8")
	// ErrExcluded is one of "&'/:<>@ in a localpart, written so or mapped
	// to it (RFC 7622 §3.3.1).
	ErrExcluded = errors.New("jid: excluded character")
	// ErrProfile is a part that its profile does not allow: UsernameCaseMapped
	// for the localpart, OpaqueString for the resourcepart.
	ErrProfile = errors.New("jid: not allowed by the profile")
	// ErrDomain is a domainpart that is neither a domain name valid in
	// IDNA2008 nor an IPv6 address in brackets.
	ErrDomain = errors.New("jid: invalid domain name")
)

// Part names one of the three parts of an address.
type Part uint8

// The parts of an address.
const (
	PartLocal Part = iota + 1
	PartDomain
	PartResource
)

// String is "localpart", "domainpart" or "resourcepart" as in RFC 7622 §3.1.
func (p Part) String() string {
	switch p {
	case PartLocal:
		return "localpart"
	case PartDomain:
		return "domainpart"
	case PartResource:
		return "resourcepart"
	}
	return "part"
}

// Error tells which part of a string is not that of an address, and why. It
// holds nothing of the string itself, so it may be logged.
type Error struct {
	Part   Part
	Reason error // one of the sentinels of this package
}

// Error is "jid: reason (part)".
func (e *Error) Error() string { return e.Reason.Error() + " (" + e.Part.String() + ")" }

// Unwrap is the Reason.
func (e *Error) Unwrap() error { return e.Reason }
