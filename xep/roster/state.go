package roster

// State is what an account knows of one contact: a subscription state of RFC
// 6121 Appendix A.1, and what goes with it.
type State uint8

const (
	// To: the account gets the contact's presence.
	To State = 1 << iota
	// From: the contact gets the account's presence.
	From
	// PendingOut: the account asked for the contact's presence.
	PendingOut
	// PendingIn: the contact asked for the account's presence.
	PendingIn
	// Approved: the contact's next request will be granted, §3.4.
	Approved
	// Listed: the contact is in the roster as clients see it. One that has only
	// asked is not (§2.1.2.5, §3.1.3).
	Listed
)

// The states of Appendix A.1.
const (
	None                State = 0
	NonePendingOut            = PendingOut
	NonePendingIn             = PendingIn
	NonePendingOutIn          = PendingOut | PendingIn
	ToPendingIn               = To | PendingIn
	FromPendingOut            = From | PendingOut
	Both                      = To | From
	subscriptions       State = To | From | PendingOut | PendingIn
	shown                     = To | From | PendingOut | Approved | Listed // what clients can see
	grantedOrAskedByUs        = To | PendingOut
	grantedOrAskedByHim       = From | PendingIn
)

// Subscription is the state without what goes with it: one of the nine of
// Appendix A.1.
func (s State) Subscription() State { return s & subscriptions }

// looks is the state as clients see it: the same for states that differ only in
// what they do not see, and None for a contact that they do not see at all.
func (s State) looks() State {
	if s&shown == 0 {
		return None
	}
	return s&(To|From|PendingOut|Approved) | Listed
}

// attr is the subscription attribute, §2.1.2.5.
func (s State) attr() string {
	switch s & Both {
	case To:
		return "to"
	case From:
		return "from"
	case Both:
		return "both"
	}
	return "none"
}

// String is the state's name in Appendix A.1.
func (s State) String() string {
	switch s.Subscription() {
	case None:
		return "None"
	case NonePendingOut:
		return "None + Pending Out"
	case NonePendingIn:
		return "None + Pending In"
	case NonePendingOutIn:
		return "None + Pending Out+In"
	case To:
		return "To"
	case ToPendingIn:
		return "To + Pending In"
	case From:
		return "From"
	case FromPendingOut:
		return "From + Pending Out"
	case Both:
		return "Both"
	}
	return "no state of Appendix A"
}
