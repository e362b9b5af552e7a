package sasl

// Kinds says by what a server can check its accounts.
type Kinds uint8

// The kinds, to be combined.
const (
	HaveSHA1     Kinds = 1 << iota // keys for SCRAM-SHA-1 are stored
	HaveSHA256                     // keys for SCRAM-SHA-256 are stored
	HavePassword                   // a password can be checked (PLAIN)
)

// HaveAll is what an account made by [Derive] offers.
const HaveAll = HaveSHA1 | HaveSHA256 | HavePassword

// Offer returns the mechanisms to announce, the best first: those with channel
// binding when bindings has any, then SCRAM, then PLAIN. Without TLS (secure
// false) nothing is offered unless allowPlaintext, and then SCRAM only: PLAIN
// never goes over a stream in the clear (RFC 6120 §13.8.1), and bindings are
// ignored. The set is the same for every user, so it tells nothing about one.
func Offer(bindings []Binding, secure, allowPlaintext bool, have Kinds) []string {
	if !secure && !allowPlaintext {
		return nil
	}
	plus := secure && len(bindings) > 0
	list := make([]string, 0, 5)
	for _, m := range [...]struct {
		name string
		ok   bool
	}{
		{SCRAMSHA256Plus, plus && have&HaveSHA256 != 0},
		{SCRAMSHA1Plus, plus && have&HaveSHA1 != 0},
		{SCRAMSHA256, have&HaveSHA256 != 0},
		{SCRAMSHA1, have&HaveSHA1 != 0},
		{Plain, secure && have&HavePassword != 0},
	} {
		if m.ok {
			list = append(list, m.name)
		}
	}
	return list
}
