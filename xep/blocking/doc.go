// Package blocking keeps an account and addresses that it wants nothing to do
// with apart: XEP-0191 version 1.3.
//
// # What is blocked
//
// An entry is a full, bare or domain address, or a domain with a resource, and
// matches as §5 says. Two things are never blocked: what the account's own
// sessions say to each other and to their account (§4), and the domain that
// serves it, without which the block could not be lifted; the users of that
// domain can be.
//
// # How
//
// The list is loaded before the account's home judges anything, so it holds
// for accounts that are offline. While it is not empty, the account's sessions
// carry xep.MarkFilter and all that goes to and from others passes through the
// home. Others hear what they would hear of an account that is offline: messages
// and requests are answered with service-unavailable, presence and all else with
// nothing. The account's own stanzas come back with not-acceptable and
// <blocked/>. Those who send in its name (broadcast presence, stored messages)
// ask Registry.Blocked.
//
// # Presence
//
// When an address is blocked it gets unavailable presence of each available
// session, and when it is unblocked the current one, if it may see the account's
// presence (Registry.MaySee). For an entry that stands for many addresses, which
// they are is asked of Registry.Watchers.
package blocking
