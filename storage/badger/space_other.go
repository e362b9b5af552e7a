//go:build !(linux || darwin || freebsd)

package badger

// freeSpace cannot tell on this system.
func freeSpace(string) (free uint64, ok bool) { return 0, false }
