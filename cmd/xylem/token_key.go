package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// tokenKeySize is the length of the key in bytes.
const tokenKeySize = 32

// tokenKey is what the tokens of clients are made with. It lies beside the store
// and not in it: a copy of the store lets nobody in. It is made when there is none.
func tokenKey(data string) ([]byte, error) {
	file := filepath.Join(data, "token.key")
	key, err := os.ReadFile(file)
	switch {
	case err == nil && len(key) == tokenKeySize:
		return key, nil
	case err == nil:
		return nil, fmt.Errorf("token key %s: has %d bytes, want %d; delete it to have a new one made: clients then log in by their passwords once", file, len(key), tokenKeySize)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("token key: %w", err)
	}
	key = make([]byte, tokenKeySize)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("token key: %w", err)
	}
	if err := writeFile(file, key); err != nil {
		return nil, fmt.Errorf("token key: %w", err)
	}
	return key, nil
}
