//go:build linux || darwin || freebsd

package badger

import "golang.org/x/sys/unix"

// freeSpace returns the bytes that an unprivileged process may still write to
// dir's file system. It costs about a microsecond.
func freeSpace(dir string) (free uint64, ok bool) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, false
	}
	blocks := int64(st.Bavail) // FreeBSD says less than 0 when only root may write
	return uint64(max(blocks, 0)) * uint64(st.Bsize), true
}
