package target

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Time that a server has to start and to stop.
const (
	startTime = 60 * time.Second
	stopTime  = 8 * time.Second
)

// process is a server that was started here.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	log  string        // file of its output
	err  error         // how it ended; after done
}

// launch starts a command on the given cores, its output going to a log file
// and, line by line, to watch (which may be nil).
func (s Settings) launch(watch func(line string), env []string, name string, args ...string) (*process, error) {
	if s.CPUs != "" {
		args = append([]string{"-c", s.CPUs, name}, args...)
		name = "taskset"
	}
	p := &process{log: s.path("output.log"), done: make(chan struct{})}
	out, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	p.cmd = exec.Command(name, args...)
	p.cmd.Dir = s.Dir
	p.cmd.Env = append(os.Environ(), env...)
	// A group of its own: an interrupt at the terminal is for the harness, which
	// stops its servers one by one. Those that it could not stop end with it.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	p.cmd.Stderr = out
	var lines io.ReadCloser
	if watch == nil {
		p.cmd.Stdout = out
	} else if lines, err = p.cmd.StdoutPipe(); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	go p.reap(out, lines, watch)
	return p, nil
}

// reap waits for the end of the process.
func (p *process) reap(out *os.File, lines io.Reader, watch func(string)) {
	if watch != nil {
		for scan := bufio.NewScanner(lines); scan.Scan(); {
			fmt.Fprintln(out, scan.Text())
			watch(scan.Text())
		}
	}
	p.err = p.cmd.Wait()
	_ = out.Close() // a log
	close(p.done)
}

// stop ends the process: politely, and after a while for certain.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails when it has ended already
	timeout := time.NewTimer(stopTime)
	defer timeout.Stop()
	select {
	case <-p.done:
		return nil
	case <-timeout.C:
	}
	// Some servers wait for clients that are gone. Nothing of theirs is kept
	// but accounts, which were written long ago.
	err := p.cmd.Process.Kill()
	<-p.done
	return err
}

// awaitPort returns when somebody accepts connections at address.
func (p *process) awaitPort(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	pause := time.NewTicker(50 * time.Millisecond)
	defer pause.Stop()
	var d net.Dialer
	for {
		c, err := d.DialContext(ctx, "tcp", address)
		if err == nil {
			return c.Close()
		}
		select {
		case <-ctx.Done():
			return p.failed("does not listen on " + address)
		case <-p.done:
			return p.ended()
		case <-pause.C:
		}
	}
}

// failed stops the process and tells the end of its output.
func (p *process) failed(what string) error {
	_ = p.stop() // the reason is what matters
	return p.lastWords(what)
}

// ended tells how the process ended; after done only.
func (p *process) ended() error {
	how := "ended by itself"
	if p.err != nil {
		how += " (" + p.err.Error() + ")"
	}
	return p.lastWords(how)
}

// lastWords is an error with the end of the server's output.
func (p *process) lastWords(what string) error {
	b, _ := os.ReadFile(p.log) // none is told as such
	const most = 2000
	if len(b) > most {
		b = b[len(b)-most:]
		b = b[bytes.IndexByte(b, '\n')+1:]
	}
	words := strings.TrimSpace(string(b))
	if words == "" {
		return fmt.Errorf("the server %s; it wrote nothing", what)
	}
	return fmt.Errorf("the server %s; its output ends in:\n%s", what, words)
}

// packageVersion is that of a Debian package and of the program that interprets it,
// which may be in a package of its own.
func packageVersion(name string, pid int) string {
	version := firstLine("dpkg-query", "-W", "-f", "${Package} ${Version}", name)
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil {
		return version
	}
	owner, _, ok := strings.Cut(firstLine("dpkg-query", "-S", exe), ":")
	if !ok || owner == name {
		return version
	}
	return version + " (" + firstLine("dpkg-query", "-W", "-f", "${Package} ${Version}", owner) + ")"
}

// firstLine runs a command for its first line of output, "" if it fails.
func firstLine(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return line
}
