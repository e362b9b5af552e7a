//go:build !race

package im_test

const raced = false
