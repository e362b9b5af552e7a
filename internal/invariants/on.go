//go:build invariants

package invariants

// Enabled tells whether this build checks its own assumptions. It is a
// constant, so "if invariants.Enabled { … }" costs nothing in a normal build.
const Enabled = true

// Poison overwrites b, up to its length, with [Marker]: a reader that kept
// lent bytes past their turn then reads garbage in the tests instead of
// another stanza in production.
func Poison(b []byte) {
	for i := range b {
		b[i] = Marker
	}
}

// Assert panics with msg when cond is false. It is for mistakes of this
// code only, never for what a peer sends.
func Assert(cond bool, msg string) {
	if !cond {
		panic("invariant violated: " + msg)
	}
}
