package measure

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ErrNoListener is returned where no process that can be seen listens.
var ErrNoListener = errors.New("measure: no process is seen to listen there")

// Listener returns the process that listens for TCP connections at an address of
// this machine; of several that share the socket, the one that started the others.
// ErrNoListener also means that the process is another user's, or in a namespace
// of its own.
func Listener(at netip.AddrPort) (pid int, err error) {
	var sockets []string
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		b, err := os.ReadFile(table)
		if errors.Is(err, fs.ErrNotExist) {
			continue // no IPv6
		}
		if err != nil {
			return 0, err
		}
		sockets = append(sockets, listening(string(b), at)...)
	}
	if len(sockets) == 0 {
		return 0, ErrNoListener
	}
	names, _ := filepath.Glob("/proc/[0-9]*") // the pattern is right
	var holders []int
	for _, name := range names {
		if p, err := strconv.Atoi(filepath.Base(name)); err == nil && holds(p, sockets) {
			holders = append(holders, p)
		}
	}
	for _, p := range holders {
		if !slices.ContainsFunc(holders, func(o int) bool { return o != p && slices.Contains(tree(o), p) }) {
			return p, nil
		}
	}
	return 0, ErrNoListener
}

// listening returns the links of sockets that listen at an address, out of
// /proc/net/tcp or tcp6, see proc(5).
func listening(table string, at netip.AddrPort) (links []string) {
	const stateListen = "0A"
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) < 10 || f[3] != stateListen {
			continue
		}
		local, err := parseEndpoint(f[1])
		if err != nil || local.Port() != at.Port() {
			continue
		}
		if ip := local.Addr().Unmap(); ip == at.Addr().Unmap() || ip.IsUnspecified() {
			links = append(links, "socket:["+f[9]+"]")
		}
	}
	return links
}

// parseEndpoint reads "0100007F:1466": words of the address in the order of the
// machine's bytes, and the port.
func parseEndpoint(s string) (netip.AddrPort, error) {
	address, port, ok := strings.Cut(s, ":")
	if !ok || len(address)%8 != 0 {
		return netip.AddrPort{}, fmt.Errorf("endpoint %q is not understood", s)
	}
	n, err := strconv.ParseUint(port, 16, 16)
	var ip []byte
	for ; len(address) > 0 && err == nil; address = address[8:] {
		var word uint64
		word, err = strconv.ParseUint(address[:8], 16, 32)
		ip = append(ip, byte(word), byte(word>>8), byte(word>>16), byte(word>>24)) // little endian, as all that Go's Linux runs on but s390x
	}
	a, ok := netip.AddrFromSlice(ip)
	if err != nil || !ok {
		return netip.AddrPort{}, fmt.Errorf("endpoint %q is not understood", s)
	}
	return netip.AddrPortFrom(a, uint16(n)), nil
}

// holds tells whether a process has one of the sockets open.
func holds(pid int, sockets []string) bool {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	files, _ := os.ReadDir(dir) // another user's, or gone
	for _, f := range files {
		if link, err := os.Readlink(filepath.Join(dir, f.Name())); err == nil && slices.Contains(sockets, link) {
			return true
		}
	}
	return false
}
