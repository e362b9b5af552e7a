// Package routing knows who is connected and decides where a stanza goes: one
// [Table] of domains, one [Domain] of sessions for each, and the delivery rules
// of RFC 6121 §8 as one table in the code.
//
// It knows mailboxes, not sockets, and calls nobody: [Table.Route] answers with
// a [Decision] and the entries to deliver to, and the engine acts. Reads take
// no lock and allocate nothing, however many cores read and bind at once; the
// record of an account is replaced whenever it gets or loses a session.
//
// Whether an account exists is not known here, as storage knows that and
// routing does not wait. An account without sessions is therefore one whose
// messages are [Offline]: the engine asks storage and then stores the message or
// answers as for a user that does not exist (RFC 6121 §8.5.1), which is the
// [Decision]'s condition.
//
// What the RFCs leave open is decided as follows.
//
//   - A message for a bare address of type normal or chat goes to every
//     resource that has the highest priority among those with a priority of 0
//     or more ("most available", RFC 6121 §8.5.2.1.1).
//   - A message of type normal or groupchat for a resource that is not there
//     comes back with service-unavailable, instead of being ignored
//     (§8.5.3.2.1 allows both): no message is lost in silence, and chat rooms
//     learn so that an occupant is gone. A headline is dropped, as nobody
//     waits for its fate; one of type chat is treated as sent to the bare
//     address, as the section demands.
//   - A result or error of an IQ that is addressed to a bare address is for
//     the account: it can only answer what the server asked in its name. The
//     same holds for a presence of type error.
package routing
