// Package roster keeps contacts, subscriptions and presence: RFC 6121 §2, §3,
// §4 and Appendix A (with roster versioning, §2.6, and pre-approval, §3.4).
//
// # Where things are
//
// All of it runs at the account's home. What is stored of an account:
//
//	roster           bare JID of the contact → its item (state, name, groups)
//	roster-request   bare JID → the subscription request that waits for an answer
//	roster-version   one item: which version of the roster this is
//	roster-log       version → which contact it changed, the last Options.ChangeLog
//
// Everything that one stanza changes is one durable batch, and nothing is sent
// to anybody before the store has it. Changes to one account are made one
// after the other (see account.enter); those that wait are bounded.
//
// In memory, while the account is in use: who is in the roster and in which
// state (names and groups are read when they are needed), the last presence of
// each available resource, and to whom directed presence went.
//
// # Choices that the RFC leaves open
//
//   - A contact that is stored with a full JID becomes its bare JID.
//   - An account is not its own contact: a roster set with its own address is
//     not-allowed, and a subscription to itself is dropped.
//   - A pre-approval stays until the user sends unsubscribed or removes the
//     contact; a request that it answered does not use it up.
//   - On initial presence the contacts that are served here are not asked by
//     stanza: those without available resources say nothing (RFC 6121 §4.3.2
//     rule 3 allows that), which saves a stanza for each absent contact. A probe
//     that arrives as a stanza is always answered.
//   - The end of a subscription is confirmed with unsubscribed (Appendix A.3.2)
//     to contacts of other servers only: the state of those that are served here has
//     changed already, and a late confirmation would undo a new request.
//   - Answers to probes do not tell since when an account is away (§4.3.2 rule 3);
//     last activity (XEP-0012) does.
//   - An address that sends unavailable presence stays in the list of who got
//     directed presence (§4.6.1); it hears of the end once more.
//   - A roster or a list of requests at its limit refuses more with
//     resource-constraint, as does an account for which too much waits
//     (Options.Waiting). Such an error to a request is given to the interested
//     resources of who asked, and the request stays pending: it may be sent again
//     (§3.1.2). Other errors to a bare address are dropped.
package roster
