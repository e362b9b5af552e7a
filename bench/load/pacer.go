package load

import (
	"context"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// pacer waits for points in time to within microseconds. A Go timer may come a
// millisecond late when the process is otherwise idle, which would be told as
// the server's latency; the kernel's timer comes through the network poller
// like a stanza does.
type pacer struct {
	file *os.File
	buf  [8]byte
}

func newPacer() (*pacer, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("timer: %w", err)
	}
	return &pacer{file: os.NewFile(uintptr(fd), "timerfd")}, nil
}

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

// openLoop calls send(k, due) for k = 0, 1, 2, … when it is due, at rate per
// second from now until end. When it is late it calls at once, and due still is
// the time that was intended. How late it is goes into the histogram late. What is not
// sent when grace has passed after end is given up.
func (w *Worker) openLoop(ctx context.Context, late string, rate float64, end int64, send func(k int, due int64)) error {
	if rate <= 0 {
		return nil
	}
	p, err := newPacer()
	if err != nil {
		return err
	}
	defer p.close()
	begin, step := w.clock.now(), float64(time.Second)/rate
	for k := 0; ctx.Err() == nil; k++ {
		due := begin + int64(float64(k)*step)
		now := w.clock.now()
		if due >= end || now > end+int64(grace) {
			return nil
		}
		if due > now {
			if err := p.wait(time.Duration(due - now)); err != nil {
				return err
			}
			now = w.clock.now()
		}
		if w.meters.window.has(due) {
			w.meters.of(k).record(late, now-due)
		}
		send(k, due)
	}
	return ctx.Err()
}
