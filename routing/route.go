package routing

import (
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/stanza"
)

// Verdict is what shall happen to a stanza.
type Verdict uint8

const (
	// Ignore drops the stanza without an answer.
	Ignore Verdict = iota
	// Delivered hands the stanza to the targets; there is at least one.
	Delivered
	// Offline is a message for an account none of whose sessions may have
	// it: it is stored if the account exists and storing is allowed, else
	// the sender gets the condition (RFC 6121 §8.5.1, §8.5.2.2.1).
	Offline
	// Remote is a stanza for a domain that is not served here.
	Remote
	// Bounce answers the stanza with an error of the condition. Whoever
	// acts must not answer a stanza of type error or result (RFC 6120 §8.3.1).
	Bounce
	// Account is a stanza that the server handles on behalf of the bare
	// address of the account, which may not exist; no session gets it as it
	// is (RFC 6121 §8.5.2.1.3, §3, §4.3).
	Account
	// Server is a stanza addressed to the domain itself (RFC 6120 §10.5.1,
	// §10.5.2).
	Server
)

// Decision is the answer of [Table.Route].
type Decision struct {
	Verdict Verdict
	// Condition is what the sender gets on Bounce, and on Offline when the
	// message is not stored; else it is empty.
	Condition stanza.Condition
	// Domain is the domain of the address, nil if it is not served here.
	Domain *Domain
}

// Addressee is the address that a stanza is for: to, or when it has none the
// bare address of its sender for messages and IQs (RFC 6120 §10.3.1, §10.3.3).
// A presence without an address stays so: it is a broadcast (§10.3.2).
func Addressee(kind stanza.Kind, from, to jid.View) jid.View {
	if to.IsZero() && kind != stanza.KindPresence {
		return from.Bare()
	}
	return to
}

// Route applies the delivery rules to a stanza. It appends the entries that
// get the stanza to targets and returns that; there are none unless the verdict
// is Delivered. It takes no lock, and allocates only when targets must grow. A
// stanza for nobody (the zero address, see [Addressee]) is for the account of
// its sender: Account, with no Domain.
//
// The table knows nothing of subscriptions, block lists and privacy, which are
// checked around it, nor whether an account exists, see the package comment.
func (t *Table) Route(to jid.View, kind stanza.Kind, typ stanza.Type, targets []Entry) (Decision, []Entry) {
	if to.IsZero() {
		return Decision{Verdict: Account}, targets
	}
	d := t.Domain(to.Domain())
	switch {
	case d == nil:
		return Decision{Verdict: Remote}, targets
	case to.Local() == "":
		if classOf(kind, typ) == malformed {
			return d.bounce(stanza.BadRequest), targets
		}
		return Decision{Verdict: Server, Domain: d}, targets
	}
	where, session := bare, Entry{}
	if to.IsFull() {
		where = absent
		var ok bool
		if session, ok = d.LookupFull(to.Local(), to.Resource()); ok {
			where = match
		}
	}
	return d.apply(rules[classOf(kind, typ)][where], to.Local(), session, targets)
}

// apply carries out an action for an account; session is the one that matches.
func (d *Domain) apply(do action, local string, session Entry, targets []Entry) (Decision, []Entry) {
	before := len(targets)
	otherwise := Decision{Verdict: Ignore, Domain: d}
	switch do {
	case refuse:
		return d.bounce(stanza.ServiceUnavailable), targets
	case badRequest:
		return d.bounce(stanza.BadRequest), targets
	case toAccount:
		return Decision{Verdict: Account, Domain: d}, targets
	case toResource:
		targets = append(targets, session)
	case toMost:
		otherwise = Decision{Verdict: Offline, Condition: stanza.ServiceUnavailable, Domain: d}
		targets = d.Lookup(local, targets)
		targets = keepFrom(targets, before, max(0, highest(targets[before:])))
	case toNonNeg:
		targets = keepFrom(d.Lookup(local, targets), before, 0)
	case toAvailable:
		targets = keepFrom(d.Lookup(local, targets), before, lowest)
	}
	if len(targets) == before {
		return otherwise, targets
	}
	return Decision{Verdict: Delivered, Domain: d}, targets
}

func (d *Domain) bounce(c stanza.Condition) Decision {
	return Decision{Verdict: Bounce, Condition: c, Domain: d}
}

// lowest is the lowest priority, RFC 6121 §4.7.2.3.
const lowest int8 = -128

// highest is the highest priority of an available entry, lowest if there is
// none.
func highest(entries []Entry) int8 {
	top := lowest
	for i := range entries {
		if entries[i].Available {
			top = max(top, entries[i].Priority)
		}
	}
	return top
}

// keepFrom drops those behind before that are not available with a priority of
// from or more.
func keepFrom(targets []Entry, before int, from int8) []Entry {
	kept := targets[:before]
	for _, e := range targets[before:] {
		if e.Available && e.Priority >= from {
			kept = append(kept, e)
		}
	}
	clear(targets[len(kept):])
	return kept
}
