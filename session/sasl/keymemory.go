package sasl

import "sync"

// KeyMemory remembers salted passwords for Clients that log in again and again,
// as RFC 5802 §5.1 allows: the slow part of a login is then done once for each
// password, salt and iteration count. It holds what logs in, so it belongs to
// processes that hold the passwords anyway. The zero value is empty. Safe for
// concurrent use.
type KeyMemory struct {
	mu     sync.Mutex
	salted map[keyInput][]byte
}

// keyInput is what a salted password is made of.
type keyInput struct {
	kind           *hashKind
	password, salt string
	iterations     int
}

// keysRemembered bounds a KeyMemory; beyond it, all is forgotten.
const keysRemembered = 1 << 18

// of is kind.salted, remembered. A nil KeyMemory remembers nothing.
func (m *KeyMemory) of(kind *hashKind, password string, salt []byte, iterations int) ([]byte, error) {
	if m == nil {
		return kind.salted(password, salt, iterations)
	}
	input := keyInput{kind, password, string(salt), iterations}
	m.mu.Lock()
	known := m.salted[input]
	m.mu.Unlock()
	if known != nil {
		return known, nil
	}
	made, err := kind.salted(password, salt, iterations)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.salted == nil || len(m.salted) >= keysRemembered {
		m.salted = make(map[keyInput][]byte)
	}
	m.salted[input] = made
	return made, nil
}
