package main

import "golang.org/x/sys/unix"

// raiseOpenFiles lifts the soft limit of open files to the hard one: each
// connection is one. It returns the limit that is then in force.
func raiseOpenFiles() (now, before uint64, err error) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 0, 0, err
	}
	before = l.Cur
	if l.Cur < l.Max {
		l.Cur = l.Max
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
			return before, before, err
		}
	}
	return l.Cur, before, nil
}
