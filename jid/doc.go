// Package jid implements the addresses of XMPP (RFC 7622): it prepares them,
// so that two addresses are the same if and only if their prepared forms are
// equal byte for byte.
//
// # What is accepted
//
// RFC 7622 decides, and this is how its rules fall:
//
//   - localpart: UsernameCaseMapped (RFC 8265 §3.3): fullwidth and halfwidth
//     forms are mapped to their ordinary ones, upper case to lower case, then
//     NFC. Letters, digits and printable ASCII are allowed; symbols, emoji,
//     spaces and compatibility characters such as U+2163 are not. Peers of the
//     stringprep era (RFC 6122) could have symbols in localparts: RFC 7622
//     §3.5 names ♚@example.com as an address that is none any more, and so it
//     is here. The eight characters "&'/:<>@ are refused before and after the
//     mapping, as U+FF20 maps to "@".
//   - domainpart: an IPv6 address in brackets, or an internationalized domain
//     name. Upper case and fullwidth are mapped (RFC 5895), the ideographic
//     full stops are dots, a final dot is removed, A-labels become U-labels,
//     and every label must be valid in IDNA2008. Underscores are refused, as
//     they were by RFC 6122 §2.2 (UseSTD3ASCIIRules). The limits of DNS hold:
//     63 bytes a label and 253 a name, both counted in A-labels.
//   - resourcepart: OpaqueString (RFC 8265 §4.2): case and width are kept,
//     any space becomes U+0020, then NFC. Emoji and spaces are allowed, also in
//     front (row 17 of RFC 7622 §3.5 says otherwise against its own profile,
//     and stringprep-era peers send such resources); control characters,
//     joiners outside their scripts and variation selectors are not.
//
// What stringprep peers send after their own preparation (NFKC, case folded)
// is valid here unless it holds symbols in the localpart. Code points that the
// Unicode tables in use do not assign are refused.
//
// A part has 1 to 1023 bytes after preparation. Preparation is repeated until
// it changes nothing (RFC 8264 §7), so preparing a prepared address is the
// identity.
package jid
