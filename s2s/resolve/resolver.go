package resolve

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Config says how a Resolver works. The zero value is that of a usual machine.
type Config struct {
	Sources // at the start; see Resolver.Use

	ResolvConf string // file that names the name servers when Sources does not. Default /etc/resolv.conf
	HostsFile  string // addresses that go before DNS; not read when Sources names name servers. Default /etc/hosts

	Records     int           // DNS records kept, and names known to have none; of more, those used last. Default 20,000
	LeastTTL    time.Duration // for which an answer is kept although DNS says less. Default 5 s
	MostTTL     time.Duration // for which it is kept although DNS says more. Default 1 h
	NegativeTTL time.Duration // likewise for what does not exist (RFC 2308 §5). Default 5 min
	Timeout     time.Duration // for one answer of one name server; the double in the second round. Default 1 s; what is slower is known to the name server when the next attempt asks
	Questions   int           // under way at a time; more wait. Default 256
	Connect     time.Duration // for connecting to a target, all its addresses together: a SYN is sent four times in it. Default 8 s
	Delay       time.Duration // from one address of a target to the next (RFC 8305 §5). Default 250 ms
	TargetDelay time.Duration // from one target to the next: longer, since the first are to be preferred. Default 1 s, when a lost SYN is sent again
	Lookup      time.Duration // for one look-up, with all name servers, rounds and aliases. Default 8 s

	Now    func() time.Time                                                      // nil: time.Now
	Random func(n int) int                                                       // from 0 to n-1; nil: math/rand/v2
	TCP    func(ctx context.Context, network, address string) (net.Conn, error)  // connects to servers; nil: a net.Dialer
	Source func(ctx context.Context, to netip.Addr) (from netip.Addr, err error) // the own address that would be used; nil: the system's
}

// Sources are where a Resolver looks. They can change at run time.
type Sources struct {
	// Servers are name servers, HOST:PORT each, in the order in which they are
	// asked. Empty: those of the system.
	Servers []string
	// Hosts are the servers of prepared domains, in the order in which they are
	// tried; DNS is not asked for SRV. "*.example.org" stands for all domains below
	// example.org that have no entry nearer to them.
	Hosts map[string][]Host
	// Denied are addresses that are not connected to, such as those of the network
	// that this machine is in: whoever has a domain decides where its DNS points.
	// Hosts are not held against it.
	Denied []netip.Prefix
}

// Resolver finds the servers of domains. Safe for concurrent use.
type Resolver struct {
	cfg       Config
	servers   file[[]string]
	hostsFile file[map[string][]netip.Addr]
	slots     chan struct{} // one for each question under way
	stats     counters

	mu      sync.Mutex
	sources Sources // what it points to is not changed any more
	cache   cache
	flights map[question]*flight
	good    string    // a name server that answers, while those before it are silent
	until   time.Time // when they are tried first again
}

// counters are written by whoever asks.
type counters struct {
	questions, failures, hits atomic.Int64
}

// Stats are figures for an operator.
type Stats struct {
	Records        int   // kept now
	QuestionsTotal int64 // put to name servers
	FailuresTotal  int64 // of these: without a usable answer from any
	HitsTotal      int64 // answered by what was kept
}

// New makes a Resolver. It reads no file and asks nobody yet.
func New(cfg Config) *Resolver {
	cfg.ResolvConf = cmp.Or(cfg.ResolvConf, "/etc/resolv.conf")
	cfg.HostsFile = cmp.Or(cfg.HostsFile, "/etc/hosts")
	cfg.Records = cmp.Or(cfg.Records, 20_000)
	cfg.LeastTTL = cmp.Or(cfg.LeastTTL, 5*time.Second)
	cfg.MostTTL = cmp.Or(cfg.MostTTL, time.Hour)
	cfg.NegativeTTL = cmp.Or(cfg.NegativeTTL, 5*time.Minute)
	cfg.Timeout = cmp.Or(cfg.Timeout, time.Second)
	cfg.Questions = cmp.Or(cfg.Questions, 256)
	cfg.Connect = cmp.Or(cfg.Connect, 8*time.Second)
	cfg.Delay = cmp.Or(cfg.Delay, 250*time.Millisecond)
	cfg.TargetDelay = cmp.Or(cfg.TargetDelay, time.Second)
	cfg.Lookup = cmp.Or(cfg.Lookup, 8*time.Second)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Random == nil {
		cfg.Random = rand.IntN
	}
	if cfg.TCP == nil {
		cfg.TCP = new(net.Dialer).DialContext
	}
	if cfg.Source == nil {
		cfg.Source = systemSource
	}
	return &Resolver{
		cfg:       cfg,
		servers:   file[[]string]{path: cfg.ResolvConf, parse: parseResolvConf},
		hostsFile: file[map[string][]netip.Addr]{path: cfg.HostsFile, parse: parseHosts},
		slots:     make(chan struct{}, cfg.Questions),
		sources:   cfg.Sources,
		cache:     newCache(cfg.Records),
		flights:   make(map[question]*flight),
	}
}

// Use puts s in place of what was there, for SIGHUP, and forgets all answers.
func (r *Resolver) Use(s Sources) {
	s.Hosts = maps.Clone(s.Hosts)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sources = s
	r.cache = newCache(r.cfg.Records)
	r.flights = make(map[question]*flight) // those under way answer who waits for them, and nobody else
}

// Forget drops what is known of a domain and of the hosts that its SRV records
// name, so that the next Find asks anew.
func (r *Resolver) Forget(domain string) {
	name, err := queryName(domain)
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	names := []string{name}
	for _, prefix := range []string{plainService, directService} {
		q := question{prefix + name, typeSRV}
		if a, ok := r.cache.peek(q); ok {
			for _, rec := range a.srv {
				names = append(names, rec.host)
			}
		}
		r.cache.drop(q)
	}
	for _, n := range names {
		r.cache.drop(question{n, typeA})
		r.cache.drop(question{n, typeAAAA})
	}
}

// Stats returns the figures of now.
func (r *Resolver) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Stats{
		Records:        r.cache.weight,
		QuestionsTotal: r.stats.questions.Load(),
		FailuresTotal:  r.stats.failures.Load(),
		HitsTotal:      r.stats.hits.Load(),
	}
}

// silentTime is how long name servers that were silent are asked last.
const silentTime = 30 * time.Second

// inTurn puts a name server that is known to answer before those that did not.
func (r *Resolver) inTurn(servers []string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.Index(servers, r.good)
	if i <= 0 || r.cfg.Now().After(r.until) {
		return servers
	}
	return slices.Concat(servers[i:], servers[:i])
}

// prefer notes who has answered after others were silent.
func (r *Resolver) prefer(server string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.good, r.until = server, r.cfg.Now().Add(silentTime)
}

func (r *Resolver) currentSources() Sources {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sources
}

// nameServers are whom to ask now, and where they were named.
func (r *Resolver) nameServers(s *Sources) (servers []string, named string) {
	if len(s.Servers) > 0 {
		return s.Servers, "dns.server"
	}
	servers = r.servers.get(r.cfg.Now())
	if len(servers) == 0 {
		servers = []string{"127.0.0.1:53", "[::1]:53"} // resolv.conf(5)
	}
	return servers, r.cfg.ResolvConf
}

// inHostsFile is what the system's hosts file says of a name, DNS aside.
func (r *Resolver) inHostsFile(s *Sources, host string) []netip.Addr {
	if len(s.Servers) > 0 {
		return nil
	}
	return r.hostsFile.get(r.cfg.Now())[strings.ToLower(host)]
}

// seconds is a span as operators write TTLs.
func seconds(d time.Duration) string { return fmt.Sprintf("%d s", int64(d/time.Second)) }
