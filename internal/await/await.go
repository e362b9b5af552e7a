// Package await has tests wait for what other goroutines bring about and tell
// nobody: a counter of a server, what is left in a store. What a test can receive,
// from a channel or a connection, it receives.
package await

import (
	"runtime"
	"testing"
	"time"
)

// patience ends a test that would hang; it is reached in failures only.
const patience = 60 * time.Second

// True waits until is says so. what names the condition in the failure.
func True(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("%s: it does not come about", what)
		}
	}
}

// Equal waits until get returns want. what names the value in the failure, which
// shows what it was at last.
func Equal[T comparable](t testing.TB, what string, get func() T, want T) {
	t.Helper()
	for end := time.Now().Add(patience); ; runtime.Gosched() {
		got := get()
		if got == want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: %v, want %v", what, got, want)
		}
	}
}
