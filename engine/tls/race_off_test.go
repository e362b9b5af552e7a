//go:build !race

package tls_test

const poolAllocs = 0
