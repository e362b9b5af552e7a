// Package client is the client's end of an XMPP stream as a load generator
// needs it: it logs in as a real client does (RFC 6120: STARTTLS, SASL, resource
// binding; optionally roster, presence and XEP-0198), and then moves stanzas
// with as little work as it can, so that what is measured is the server.
//
// A Session has one goroutine, the one that calls [Session.Receive]; it may
// send from that goroutine and from any other. A write never waits for the
// peer: what the kernel does not take is kept, up to [MaxBacklog] bytes, and
// written as soon as there is room. So one client that a server does not serve
// cannot hold up the clock of the others.
//
// The package knows one more protocol, of two lines, for the relay that is the
// floor of every comparison; see [Options.Relay].
package client
