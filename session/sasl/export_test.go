package sasl

// DeriveWith makes keys with a given salt, for the vectors of the RFCs.
func DeriveWith(password string, salt []byte, iterations int) Credentials {
	var c Credentials
	for _, h := range []*hashKind{kindSHA1, kindSHA256} {
		k := h.of(&c)
		k.Salt, k.Iterations = salt, iterations
		k.StoredKey, k.ServerKey, _ = h.keyPair(password, salt, iterations)
	}
	return c
}

// PreparePassword gives tests both forms.
func PreparePassword(s string) (prepared, legacy string, err error) { return preparePassword(s) }
