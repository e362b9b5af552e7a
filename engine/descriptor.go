package engine

import (
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// descriptor is a socket that no loop has yet.
type descriptor int

func (d descriptor) Write(b []byte) (int, error) { return unix.Write(int(d), b) }
func (d descriptor) Close() error                { return unix.Close(int(d)) }

// descriptorOf takes the descriptor out of a connection or a listener of package net,
// which is closed by that, and sets the options that connections have.
func descriptorOf(c io.Closer) (fd int, err error) {
	defer c.Close()
	held, ok := c.(syscall.Conn)
	if !ok {
		return 0, fmt.Errorf("engine: a socket without a file descriptor: %T", c)
	}
	raw, err := held.SyscallConn()
	if err != nil {
		return 0, fmt.Errorf("engine: descriptor of a socket: %w", err)
	}
	var failed error
	err = raw.Control(func(of uintptr) {
		if failed = setOptions(int(of)); failed == nil {
			fd, failed = unix.FcntlInt(of, unix.F_DUPFD_CLOEXEC, 0)
		}
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return 0, fmt.Errorf("engine: descriptor of a socket: %w", err)
	}
	return fd, nil
}

// connOf is the reverse: fd is closed, or belongs to the connection.
func connOf(fd int) (net.Conn, error) {
	f := os.NewFile(uintptr(fd), "")
	defer f.Close() // package net takes a duplicate
	return net.FileConn(f)
}

// sharedDescriptor is one that any goroutine uses, until one of them closes it.
// Safe for concurrent use.
type sharedDescriptor struct {
	fd    int
	users atomic.Int32 // between use and done; far below zero once closed
}

const descriptorClosed = -1 << 30

// use tells whether the descriptor is open. It stays so until done, which is to be
// called either way.
func (d *sharedDescriptor) use() bool { return d.users.Add(1) > 0 }
func (d *sharedDescriptor) done()     { d.users.Add(-1) }

// close waits for those who use the descriptor, so that none of them does when it
// is somebody else's by then. To be called once.
func (d *sharedDescriptor) close() {
	for d.users.Add(descriptorClosed) != descriptorClosed {
		d.users.Add(-descriptorClosed)
		runtime.Gosched()
	}
	_ = unix.Close(d.fd)
}
