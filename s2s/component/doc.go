// Package component is the server's end of the streams of external components
// (XEP-0114, version 1.6): programs such as gateways and chat rooms that own a
// domain of this server and speak for all its addresses. A [Stream] has no
// sockets and no clock; the engine gives it bytes, stanzas and the time, and
// carries out what it lists in [Out].
//
// A component opens a stream of jabber:component:accept to its domain and shows
// that it knows the domain's secret: the SHA-1 of the stream's id and the secret,
// which is why the secret never crosses the wire and the digest is of no use on
// another stream. From then on stanzas flow both ways, as between servers: each
// has from and to, and from is of the component's domain.
//
// What passes is not parsed twice. The parser takes the stream for one of
// jabber:client, so that stanzas, which rarely declare the namespace that they
// are in, come out of it as if a client had sent them; the few that do are
// read again from a copy (stanza.Translation). The other way round the rendered
// stanza goes out as it is, or through stanza.AppendTo.
package component
