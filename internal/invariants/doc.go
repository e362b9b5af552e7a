// Package invariants holds the checks that only test builds run, selected by
// the build tag "invariants": lent bytes are overwritten once their lifetime
// is over, and assertions about the code's own state are evaluated. Without
// the tag every function is empty and is removed by the compiler.
package invariants

// Marker is the byte that [Poison] writes. It is no valid UTF-8 and no valid
// XML, so that poisoned bytes which leak out are refused by every parser.
const Marker = 0xFB
