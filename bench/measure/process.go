// Package measure reads what the operating system (Linux) knows of a server:
// processor time, memory, kernel memory, and what machine it is.
package measure

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// tick is the unit of times in /proc: USER_HZ, 100 on every Linux there is.
const tick = time.Second / 100

// CPU is processor time. It includes what the kernel did for the process, but
// not what it did for the network outside of system calls; on loopback that is
// charged to the sender of a packet.
type CPU struct{ User, System time.Duration }

// Total is both together.
func (c CPU) Total() time.Duration { return c.User + c.System }

// Sub is c less an earlier reading.
func (c CPU) Sub(o CPU) CPU { return CPU{c.User - o.User, c.System - o.System} }

// tree returns pid and all processes below it.
func tree(pid int) []int {
	list := []int{pid}
	for i := 0; i < len(list); i++ {
		for _, thread := range threads(list[i]) {
			b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", list[i], thread))
			for _, field := range strings.Fields(string(b)) {
				if child, err := strconv.Atoi(field); err == nil {
					list = append(list, child)
				}
			}
		}
	}
	return list
}

// eachOf reads a file in /proc of pid and of the processes below it.
func eachOf(pid int, file string, take func(b []byte) error) error {
	for _, p := range tree(pid) {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p, file))
		if err != nil && p != pid {
			continue // a child that ended just now
		}
		if err != nil {
			return err
		}
		if err := take(b); err != nil {
			return fmt.Errorf("process %d: %w", p, err)
		}
	}
	return nil
}

// ProcessCPU returns the time that pid and the processes below it have used, those that
// have ended meanwhile among them.
// The precision is 10 ms, so a window must be seconds long.
func ProcessCPU(pid int) (sum CPU, err error) {
	err = eachOf(pid, "stat", func(b []byte) error {
		one, err := parseStat(b)
		sum.User += one.User
		sum.System += one.System
		return err
	})
	return sum, err
}

// OwnCPU returns the time that this process has used, its children left out, to
// the nanosecond.
func OwnCPU() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t) // which every Linux has
	return time.Duration(t.Nano())
}

// parseStat reads fields 14 to 17 of /proc/pid/stat, see proc(5): the time of a process
// and that of its children that have ended. The name of the program may contain anything,
// so fields are counted from its end.
func parseStat(b []byte) (CPU, error) {
	_, rest, ok := bytes.Cut(b[bytes.LastIndexByte(b, ')')+1:], []byte(" "))
	f := bytes.Fields(rest)
	if !ok || len(f) < 15 {
		return CPU{}, errors.New("stat is not understood")
	}
	var ticks [4]time.Duration
	for i := range ticks {
		n, err := strconv.ParseInt(string(f[11+i]), 10, 64)
		if err != nil {
			return CPU{}, err
		}
		ticks[i] = time.Duration(n) * tick
	}
	return CPU{User: ticks[0] + ticks[2], System: ticks[1] + ticks[3]}, nil
}

// Memory is what processes and their sockets take, in bytes.
type Memory struct {
	RSS  int64 // resident, shared pages counted whole
	PSS  int64 // resident, shared pages divided among those who share them
	Anon int64 // of RSS: not backed by a file, so heap and stacks
	Slab int64 // kernel objects of the whole machine: sockets, epoll entries, files
	TCP  int64 // kernel buffers of all TCP sockets of the machine
}

// Sub is m less an earlier reading.
func (m Memory) Sub(o Memory) Memory {
	return Memory{m.RSS - o.RSS, m.PSS - o.PSS, m.Anon - o.Anon, m.Slab - o.Slab, m.TCP - o.TCP}
}

// ProcessMemory reads what pid and the processes below it hold. The kernel's
// part is of the whole machine, clients' ends included.
func ProcessMemory(pid int) (m Memory, err error) {
	err = eachOf(pid, "smaps_rollup", func(b []byte) error {
		kib := keyed(b)
		m.RSS += kib["Rss"] << 10
		m.PSS += kib["Pss"] << 10
		m.Anon += kib["Anonymous"] << 10
		return nil
	})
	if err != nil {
		return m, err
	}
	info, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return m, err
	}
	m.Slab = keyed(info)["Slab"] << 10
	m.TCP, err = tcpMemory()
	return m, err
}

// Resident returns the bytes that pid and the processes below it have in memory. Unlike
// ProcessMemory it reads a counter and no page tables, so a server under load can be asked
// again and again.
func Resident(pid int) (sum int64, err error) {
	err = eachOf(pid, "statm", func(b []byte) error {
		f := strings.Fields(string(b))
		if len(f) < 2 {
			return errors.New("statm is not understood")
		}
		pages, err := strconv.ParseInt(f[1], 10, 64)
		sum += pages * int64(os.Getpagesize())
		return err
	})
	return sum, err
}

// keyed reads lines of "Key: number kB".
func keyed(b []byte) map[string]int64 {
	out := map[string]int64{}
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() {
		key, rest, ok := strings.Cut(lines.Text(), ":")
		f := strings.Fields(rest)
		if !ok || len(f) == 0 {
			continue
		}
		if n, err := strconv.ParseInt(f[0], 10, 64); err == nil {
			out[key] = n
		}
	}
	return out
}

// OpenFiles is how many files pid may have open.
func OpenFiles(pid int) (int, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("there is no process %d", pid)
	}
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "Max open files"); ok {
			soft, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
			return strconv.Atoi(soft)
		}
	}
	return 0, errors.New("its limits are not understood")
}

// tcpMemory is the field "mem" of the line "TCP:" in /proc/net/sockstat.
func tcpMemory() (int64, error) {
	b, err := os.ReadFile("/proc/net/sockstat")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		for i := 1; i+1 < len(f) && f[0] == "TCP:"; i += 2 {
			if f[i] == "mem" {
				pages, err := strconv.ParseInt(f[i+1], 10, 64)
				return pages * int64(os.Getpagesize()), err
			}
		}
	}
	return 0, errors.New("sockstat has no TCP memory")
}
