package measure

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// pacer waits for points in time to within microseconds. A Go timer may come a
// millisecond late when the process is otherwise idle, which would be told as
// somebody else's latency; the kernel's timer comes through the network poller.
// Not safe for concurrent use.
type pacer struct {
	file *os.File
	buf  [8]byte
}

// newPacer takes a timer of the kernel, until close.
func newPacer() (*pacer, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("timer: %w", err)
	}
	return &pacer{file: os.NewFile(uintptr(fd), "timerfd")}, nil
}

// close gives the timer back.
func (p *pacer) close() { _ = p.file.Close() }

// wait returns after d, or at once if that is not positive.
func (p *pacer) wait(d time.Duration) error {
	if d <= 0 {
		return nil
	}
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}
	raw, err := p.file.SyscallConn()
	if err != nil {
		return err
	}
	var setErr error
	if err := raw.Control(func(fd uintptr) { setErr = unix.TimerfdSettime(int(fd), 0, &spec, nil) }); err != nil {
		return err
	}
	if setErr != nil {
		return fmt.Errorf("timer: %w", setErr)
	}
	_, err = p.file.Read(p.buf[:])
	return err
}
