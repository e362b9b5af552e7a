//go:build !invariants

package invariants

// Enabled tells whether this build checks its own assumptions. It is a
// constant, so "if invariants.Enabled { … }" costs nothing in a normal build.
const Enabled = false

// Poison does nothing in this build.
func Poison([]byte) {}

// Assert does nothing in this build.
func Assert(bool, string) {}
