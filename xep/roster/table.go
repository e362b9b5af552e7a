package roster

import "github.com/xylem-im/xylem/stanza"

// cell is what becomes of a subscription stanza in one state.
type cell struct {
	pass bool // outbound: it is routed; inbound: it is delivered
	next State
}

// The columns of the table.
const (
	outSubscribe = iota
	outUnsubscribe
	outSubscribed
	outUnsubscribed
	inSubscribe
	inUnsubscribe
	inSubscribed
	inUnsubscribed
	columns
)

// table is RFC 6121 Appendix A.2 (outbound) and A.3 (inbound): a row for each
// state, without what pre-approval changes (see outbound and inbound). The rows
// between that no state uses do nothing.
var table = [subscriptions + 1][columns]cell{
	None: {
		outSubscribe:    {true, NonePendingOut},
		outUnsubscribe:  {true, None},
		outSubscribed:   {false, None},
		outUnsubscribed: {false, None},
		inSubscribe:     {true, NonePendingIn},
		inUnsubscribe:   {false, None},
		inSubscribed:    {false, None},
		inUnsubscribed:  {false, None},
	},
	NonePendingOut: {
		outSubscribe:    {true, NonePendingOut},
		outUnsubscribe:  {true, None},
		outSubscribed:   {false, NonePendingOut},
		outUnsubscribed: {false, NonePendingOut},
		inSubscribe:     {true, NonePendingOutIn},
		inUnsubscribe:   {false, NonePendingOut},
		inSubscribed:    {true, To},
		inUnsubscribed:  {true, None},
	},
	NonePendingIn: {
		outSubscribe:    {true, NonePendingOutIn},
		outUnsubscribe:  {true, NonePendingIn},
		outSubscribed:   {true, From},
		outUnsubscribed: {true, None},
		inSubscribe:     {false, NonePendingIn},
		inUnsubscribe:   {true, None},
		inSubscribed:    {false, NonePendingIn},
		inUnsubscribed:  {false, NonePendingIn},
	},
	NonePendingOutIn: {
		outSubscribe:    {true, NonePendingOutIn},
		outUnsubscribe:  {true, NonePendingIn},
		outSubscribed:   {true, FromPendingOut},
		outUnsubscribed: {true, NonePendingOut},
		inSubscribe:     {false, NonePendingOutIn},
		inUnsubscribe:   {true, NonePendingOut},
		inSubscribed:    {true, ToPendingIn},
		inUnsubscribed:  {true, NonePendingIn},
	},
	To: {
		outSubscribe:    {true, To},
		outUnsubscribe:  {true, None},
		outSubscribed:   {false, To},
		outUnsubscribed: {false, To},
		inSubscribe:     {true, ToPendingIn},
		inUnsubscribe:   {false, To},
		inSubscribed:    {false, To},
		inUnsubscribed:  {true, None},
	},
	ToPendingIn: {
		outSubscribe:    {true, ToPendingIn},
		outUnsubscribe:  {true, NonePendingIn},
		outSubscribed:   {true, Both},
		outUnsubscribed: {true, To},
		inSubscribe:     {false, ToPendingIn},
		inUnsubscribe:   {true, To},
		inSubscribed:    {false, ToPendingIn},
		inUnsubscribed:  {true, NonePendingIn},
	},
	From: {
		outSubscribe:    {true, FromPendingOut},
		outUnsubscribe:  {true, From},
		outSubscribed:   {false, From},
		outUnsubscribed: {true, None},
		inSubscribe:     {false, From},
		inUnsubscribe:   {true, None},
		inSubscribed:    {false, From},
		inUnsubscribed:  {false, From},
	},
	FromPendingOut: {
		outSubscribe:    {true, FromPendingOut},
		outUnsubscribe:  {true, From},
		outSubscribed:   {false, FromPendingOut},
		outUnsubscribed: {true, NonePendingOut},
		inSubscribe:     {false, FromPendingOut},
		inUnsubscribe:   {true, NonePendingOut},
		inSubscribed:    {true, Both},
		inUnsubscribed:  {true, From},
	},
	Both: {
		outSubscribe:    {true, Both},
		outUnsubscribe:  {true, From},
		outSubscribed:   {false, Both},
		outUnsubscribed: {true, To},
		inSubscribe:     {false, Both},
		inUnsubscribe:   {true, To},
		inSubscribed:    {false, Both},
		inUnsubscribed:  {true, From},
	},
}

// step is a cell with pre-approval and answers.
type step struct {
	pass  bool
	next  State
	reply stanza.Type // what the server answers itself; TypeNone: nothing
}

// outbound is what happens to a subscription stanza of the account's own in
// state s. A subscribed that answers no request is a pre-approval (§3.4.2), and
// unsubscribed takes one back.
func outbound(s State, t stanza.Type) step {
	c := table[s.Subscription()][column(outSubscribe, t)]
	next := s&^subscriptions | c.next
	switch {
	case t == stanza.TypeSubscribed && !c.pass && s&From == 0:
		next |= Approved
	case t == stanza.TypeUnsubscribed:
		next &^= Approved
	}
	if next&shown != 0 {
		next |= Listed // what was shown once stays in the roster until the user removes it
	}
	return step{pass: c.pass, next: next}
}

// inbound is what happens to one that comes from the contact. A request that
// was granted before, or beforehand, is answered by the server (§3.1.3, §3.4.2),
// and so is what ends a subscription or a request (§A.3.2).
func inbound(s State, t stanza.Type) step {
	c := table[s.Subscription()][column(inSubscribe, t)]
	st := step{pass: c.pass, next: s&^subscriptions | c.next}
	if t == stanza.TypeUnsubscribe && c.pass {
		st.reply = stanza.TypeUnsubscribed
	}
	if t != stanza.TypeSubscribe {
		return st
	}
	if s&From != 0 {
		st.reply = stanza.TypeSubscribed
	} else if s&Approved != 0 {
		return step{next: (s | From | Listed) &^ PendingIn, reply: stanza.TypeSubscribed}
	}
	return st
}

func column(first int, t stanza.Type) int {
	switch t {
	case stanza.TypeUnsubscribe:
		return first + outUnsubscribe
	case stanza.TypeSubscribed:
		return first + outSubscribed
	case stanza.TypeUnsubscribed:
		return first + outUnsubscribed
	}
	return first + outSubscribe
}

// isSubscription tells whether t is one of the four types of §3.
func isSubscription(t stanza.Type) bool {
	switch t {
	case stanza.TypeSubscribe, stanza.TypeSubscribed, stanza.TypeUnsubscribe, stanza.TypeUnsubscribed:
		return true
	}
	return false
}
