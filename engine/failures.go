package engine

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// failures counts failed logins by address in the current hour, so that who
// guesses passwords gains nothing by new connections. It is asked for logins
// only. Safe for concurrent use.
type failures struct {
	limit addressLimit

	mu        sync.Mutex
	hour      int64
	byAddress map[netip.Prefix]int
}

// failuresKept bounds the addresses that are remembered, of some 60 bytes each;
// those that come when there are as many are counted from the next hour on.
const failuresKept = 1 << 16

// add counts n failures from remote at now, Unix nanoseconds.
func (f *failures) add(remote net.Addr, now int64, n int) {
	network := f.limit.of(remote)
	if !network.IsValid() {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if hour := now / int64(time.Hour); hour != f.hour || f.byAddress == nil {
		f.hour, f.byAddress = hour, make(map[netip.Prefix]int)
	}
	if _, known := f.byAddress[network]; known || len(f.byAddress) < failuresKept {
		f.byAddress[network] += n
	}
}

// tooMany tells whether remote has failed too often for another try.
func (f *failures) tooMany(remote net.Addr, now int64) bool {
	network := f.limit.of(remote)
	if !network.IsValid() {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return now/int64(time.Hour) == f.hour && f.byAddress[network] >= f.limit.most
}
