package resolve

import (
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// file is a file of the system, read again when it has changed. It is looked at
// once in five seconds at most. Safe for concurrent use.
type file[T any] struct {
	path  string
	parse func(text []byte) T

	mu      sync.Mutex
	looked  time.Time
	size    int64
	changed time.Time
	content T
}

const (
	fileInterval = 5 * time.Second
	mostFile     = 4 << 20 // bytes read of a file
)

// get returns what is in the file; the zero T when it cannot be read.
func (f *file[T]) get(now time.Time) T {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.looked.IsZero() && now.Sub(f.looked) < fileInterval {
		return f.content
	}
	f.looked = now
	info, err := os.Stat(f.path)
	if err != nil {
		var none T
		f.content, f.size, f.changed = none, 0, time.Time{}
		return none
	}
	if info.Size() == f.size && info.ModTime().Equal(f.changed) {
		return f.content
	}
	if text, err := readFile(f.path); err == nil {
		f.content, f.size, f.changed = f.parse(text), info.Size(), info.ModTime()
	}
	return f.content
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, mostFile))
}

// mostServers of resolv.conf are asked, as by the C library.
const mostServers = 3

// parseResolvConf reads the name servers of resolv.conf(5). Search lists are of
// no use: the names of XMPP domains are complete.
func parseResolvConf(text []byte) (servers []string) {
	conf, err := dns.ClientConfigFromReader(strings.NewReader(string(text)))
	if err != nil {
		return nil
	}
	for _, s := range conf.Servers {
		if _, err := netip.ParseAddr(s); err == nil && len(servers) < mostServers {
			servers = append(servers, net.JoinHostPort(s, conf.Port))
		}
	}
	return servers
}

// parseHosts reads hosts(5).
func parseHosts(text []byte) map[string][]netip.Addr {
	hosts := make(map[string][]netip.Addr)
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		addr, err := netip.ParseAddr(fields[0])
		if err != nil {
			continue
		}
		for _, name := range fields[1:] {
			name = strings.ToLower(strings.TrimSuffix(name, "."))
			hosts[name] = append(hosts[name], addr)
		}
	}
	return hosts
}
