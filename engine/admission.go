package engine

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// admission counts connections and refuses those beyond the bounds, so that
// the process never runs out of file descriptors and no address takes them all.
// Safe for concurrent use.
type admission struct {
	limit   int64
	open    atomic.Int64
	inside  atomic.Int64 // of them those in the process, which take no descriptor: the limit is not theirs
	refused atomic.Uint64

	perAddress addressLimit
	mu         sync.Mutex // at the begin and the end of connections only
	byAddress  map[netip.Prefix]int
}

// origin is where a connection comes from, where that is counted or known
// otherwise than by its socket.
type origin struct {
	network netip.Prefix // what counts; zero: not counted
	remote  net.Addr     // what a proxy says; nil: ask the socket
}

// addressLimit is a bound for each address (networkOf).
type addressLimit struct {
	most     int
	loopback bool // it holds for this machine, too
}

// newAddressLimit: 0 is the usual bound, and none for this machine, where
// operators and proxies are.
func newAddressLimit(configured, usual int) addressLimit {
	if configured == 0 {
		return addressLimit{most: usual}
	}
	return addressLimit{most: configured, loopback: true}
}

// of is what counts as the address of remote; the zero Prefix where nothing is
// counted.
func (l addressLimit) of(remote net.Addr) netip.Prefix {
	network := networkOf(remote)
	if network.IsValid() && network.Addr().IsLoopback() && !l.loopback {
		return netip.Prefix{}
	}
	return network
}

// enter counts a connection from remote; ok is false when its address has too
// many. What it returns is to be given back to release. It does not take a place,
// see admit.
func (a *admission) enter(remote net.Addr) (from *origin, ok bool) {
	network := a.perAddress.of(remote)
	if !network.IsValid() {
		return nil, true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.byAddress[network] >= a.perAddress.most {
		a.refused.Add(1)
		return nil, false
	}
	if a.byAddress == nil {
		a.byAddress = make(map[netip.Prefix]int)
	}
	a.byAddress[network]++
	return &origin{network: network}, true
}

// leave takes back what enter has counted.
func (a *admission) leave(from *origin) {
	if from == nil || !from.network.IsValid() {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.byAddress[from.network]--; a.byAddress[from.network] <= 0 {
		delete(a.byAddress, from.network)
	}
}

// admit takes a place; false when there is none.
func (a *admission) admit() bool {
	if a.open.Add(1)-a.inside.Load() > a.limit {
		a.open.Add(-1)
		a.refused.Add(1)
		return false
	}
	return true
}

// release gives a place back.
func (a *admission) release() { a.open.Add(-1) }

// defaultConnections is nine tenths of the file descriptors that the process
// may still open, less a few: a connection that a proxy brings, or that is ours,
// takes a second one for a moment, and the store opens files as it goes.
func defaultConnections() int {
	const (
		spare = 12
		least = 4
	)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 1000
	}
	left := int(min(limit.Cur, 1<<30)) - openFiles() - spare
	return max(left*9/10, least)
}

// openFiles counts the descriptors in use; where that cannot be known, what a
// server usually has.
func openFiles() int {
	dir, err := os.Open("/dev/fd")
	if err != nil {
		return 24
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return 24
	}
	return len(names)
}
