// Package crash ends real servers in the middle of their work, by kill -9 and
// by SIGTERM, fills their disk, and looks whether what they acknowledged is kept:
//
//	go test -tags crash ./test/crash -v -rounds 100 -seed 1
package crash
