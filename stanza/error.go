package stanza

import "errors"

// Condition is the name of a defined stanza error condition, RFC 6120 §8.3.3.
type Condition string

// The conditions of RFC 6120 §8.3.3.
const (
	BadRequest            Condition = "bad-request"
	Conflict              Condition = "conflict"
	FeatureNotImplemented Condition = "feature-not-implemented"
	Forbidden             Condition = "forbidden"
	Gone                  Condition = "gone"
	InternalServerError   Condition = "internal-server-error"
	ItemNotFound          Condition = "item-not-found"
	JIDMalformed          Condition = "jid-malformed"
	NotAcceptable         Condition = "not-acceptable"
	NotAllowed            Condition = "not-allowed"
	NotAuthorized         Condition = "not-authorized"
	PolicyViolation       Condition = "policy-violation"
	RecipientUnavailable  Condition = "recipient-unavailable"
	Redirect              Condition = "redirect"
	RegistrationRequired  Condition = "registration-required"
	RemoteServerNotFound  Condition = "remote-server-not-found"
	RemoteServerTimeout   Condition = "remote-server-timeout"
	ResourceConstraint    Condition = "resource-constraint"
	ServiceUnavailable    Condition = "service-unavailable"
	SubscriptionRequired  Condition = "subscription-required"
	UndefinedCondition    Condition = "undefined-condition"
	UnexpectedRequest     Condition = "unexpected-request"
)

// ErrorType says what the sender may do about an error, RFC 6120 §8.3.2.
type ErrorType string

// The error types of RFC 6120 §8.3.2.
const (
	Auth     ErrorType = "auth"
	Cancel   ErrorType = "cancel"
	Continue ErrorType = "continue"
	Modify   ErrorType = "modify"
	Wait     ErrorType = "wait"
)

// Type is the error type that RFC 6120 §8.3.3 advises for the condition.
func (c Condition) Type() ErrorType {
	switch c {
	case BadRequest, JIDMalformed, NotAcceptable, PolicyViolation, Redirect:
		return Modify
	case Forbidden, NotAuthorized, RegistrationRequired, SubscriptionRequired:
		return Auth
	case RecipientUnavailable, RemoteServerTimeout, ResourceConstraint, UnexpectedRequest:
		return Wait
	}
	return Cancel
}

// Error is a stanza error as the peer sees it, RFC 6120 §8.3.
type Error struct {
	Type      ErrorType // empty: the condition's own, see Condition.Type
	Condition Condition // empty: undefined-condition
	Text      string    // for people, in English; may be empty
	App       []byte    // one application-specific child, complete XML; may be empty
}

// Error is "stanza error CONDITION: TEXT".
func (e Error) Error() string {
	if e.Text == "" {
		return "stanza error " + string(e.Condition)
	}
	return "stanza error " + string(e.Condition) + ": " + e.Text
}

// Is matches another Error; empty fields of target match anything.
func (e Error) Is(target error) bool {
	t, ok := target.(Error)
	return ok &&
		(t.Condition == "" || t.Condition == e.Condition) &&
		(t.Type == "" || t.Type == e.Type) &&
		(t.Text == "" || t.Text == e.Text)
}

// AsError is err as a stanza error: err itself when it wraps one, else
// internal-server-error without details, which are not the peer's business.
func AsError(err error) Error {
	var e Error
	if errors.As(err, &e) {
		return e
	}
	return Error{Condition: InternalServerError}
}
