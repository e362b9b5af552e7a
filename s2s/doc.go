// Package s2s is federation without sockets: streams between servers (RFC 6120
// with content namespace jabber:server), how their ends prove who they are, and
// what is known and queued for each remote domain. Nothing in it waits or looks
// at a clock; the engine gives it bytes and events and carries out what it
// lists.
//
//   - A [Stream] is one XML stream with a server, opened by either side:
//     STARTTLS, SASL EXTERNAL (XEP-0178), Server Dialback (XEP-0220, keys by
//     XEP-0185), bidirectional use (XEP-0288), stream management (XEP-0198). It
//     knows which pairs of domains were proved on it and lets no stanza pass for
//     another.
//   - A [Remote] is one remote domain as its home loop knows it: the streams that
//     can carry stanzas there, what waits for one, when the next attempt is made,
//     and a record of the last one that an operator can read.
//
// Finding a domain's servers and connecting to them is package s2s/resolve;
// what a certificate proves is package s2s/certs.
package s2s
