package engine

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The system calls of each message, for sockets that do not block. The scheduler is
// not told of them, as they never sleep: that, and a call made for sockets instead of
// one for all files, is 3 % of a message that comes alone. Errors are those of
// recv(2) and send(2).

// receive reads what there is of a stream, up to the length of b, which is not 0.
// 0 bytes: the peer has closed its side.
func receive(fd int32, b []byte) (n int, err error) {
	return transfer(unix.SYS_RECVFROM, fd, b, unix.MSG_DONTWAIT)
}

// send writes as much of b, which is not empty, as there is room for.
func send(fd int32, b []byte, flags uintptr) (n int, err error) {
	return transfer(unix.SYS_SENDTO, fd, b, flags|unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
}

func transfer(call uintptr, fd int32, b []byte, flags uintptr) (n int, err error) {
	r, _, errno := syscall.RawSyscall6(call, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), flags, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(r), nil
}
