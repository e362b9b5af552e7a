// Package resolve finds the servers of an XMPP domain and connects to them: the
// engine.Connector of the stock server. It waits for the network, so it runs
// beside the event loops.
//
//   - [Resolver.Find] asks for SRV records of _xmpp-server._tcp and
//     _xmpps-server._tcp at once and merges them by priority and weight (RFC 6120
//     §3.2.1, RFC 2782, XEP-0368); without any it falls back to the addresses of
//     the domain and port 5269 (RFC 6120 §3.2.2). A host that the operator named
//     for the domain goes before all of that.
//   - [Resolver.Dial] races the addresses of a target (RFC 8305).
//
// DNS is asked by package miekg/dns over UDP with EDNS0, and over TCP when an
// answer is truncated. The standard library's resolver tells no TTLs, and
// merges what must be kept apart here: a name that does not exist, one without
// such records, a name server that cannot answer, and one that is silent.
// Answers are kept for as long as DNS allows, within bounds.
package resolve
