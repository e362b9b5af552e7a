//go:build race

package tls_test

// poolAllocs: under the race detector sync.Pool, which crypto/tls uses for its
// output, forgets what is put into it now and then.
const poolAllocs = 2
