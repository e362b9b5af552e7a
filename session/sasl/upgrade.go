package sasl

// Outdated tells whether the account lacks keys for a SCRAM mechanism, or has some
// that were made with fewer rounds than iterations.
func (c *Credentials) Outdated(mechanism string, iterations int) bool {
	h, _, ok := scramMechanism(mechanism)
	return ok && (!h.of(c).usable(h) || h.of(c).Iterations < iterations)
}

// WithSalted returns credentials with new keys for a SCRAM mechanism, made of the
// salted password that a client has computed (SaltedPassword of RFC 5802 §3, XEP-0480
// §6); those of the other hash function stay. Cheap. The error is ErrMechanism for
// another mechanism and ErrFormat for a salted password of the wrong length.
func (c *Credentials) WithSalted(mechanism string, salted, salt []byte, iterations int) (Credentials, error) {
	h, _, ok := scramMechanism(mechanism)
	if !ok {
		return Credentials{}, ErrMechanism
	}
	if len(salted) != h.size {
		return Credentials{}, ErrFormat
	}
	renewed := *c
	*h.of(&renewed) = Keys{Salt: salt, Iterations: iterations,
		StoredKey: h.sum(h.hmac(salted, []byte("Client Key"))), ServerKey: h.hmac(salted, []byte("Server Key"))}
	return renewed, nil
}
