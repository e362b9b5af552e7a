//go:build race

package im_test

// raced: the race detector runs, ten times slower.
const raced = true
