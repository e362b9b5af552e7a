package inproc

import (
	"errors"
	"fmt"
	"time"
)

// HotSessions is how many sessions write in the phase Hot; also the size of
// which others are multiples in the report.
const HotSessions = 1000

// Settings say what one process measures.
type Settings struct {
	Sessions int           `json:"sessions"` // at least 2; an odd one is left without a neighbour
	Stock    bool          `json:"stock"`    // with the extensions of the stock server, a store in memory, roster and presence; otherwise sessions and nothing else
	Payload  int           `json:"payload"`  // bytes of a message, at least 150
	Chains   int           `json:"chains"`   // messages in flight, over all
	Warmup   time.Duration `json:"warmup"`   // of each kind of traffic, before the window
	Duration time.Duration `json:"duration"` // window of each kind of traffic
	Loops    int           `json:"loops"`    // event loops; 0: one for each core
	// HugePages backs the heap with huge pages before the traffic, if more of it is alive than hugepages.From.
	HugePages bool `json:"huge_pages"`
}

// LeastBytes is memory that each session takes at least, its client included.
const LeastBytes = 1 << 10

// Check refuses what makes no sense. Run does it, too.
func (s *Settings) Check() error {
	var faults []error
	wrong := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	wrong(s.Sessions < 2 || s.Sessions > 1<<24, "--sessions: %d sessions; 2 to 16,777,216 are possible", s.Sessions)
	wrong(s.Payload < minPayload || s.Payload > 64<<10, "--payload: a payload of %d bytes; %d to 65,536 are possible", s.Payload, minPayload)
	wrong(s.Chains < 1 || s.Chains > maxChains, "--chains: %d messages in flight; 1 to %d are possible", s.Chains, maxChains)
	wrong(s.Duration <= 0 || s.Warmup < 0, "--duration, --warmup: a window of %v after %v; it is longer than 0, after 0 or more", s.Duration, s.Warmup)
	return errors.Join(faults...)
}

// Result is what a process measured.
type Result struct {
	Version string `json:"version"`

	LoginsPerSec float64 `json:"logins_per_s"`
	LoginCPU     float64 `json:"login_cpu_us"` // of both ends, without hashing passwords

	// Bytes for each session above the engine without sessions.
	Heap    float64 `json:"heap"`     // live objects after a collection
	Objects float64 `json:"objects"`  // their number
	RSS     float64 `json:"rss"`      // with what the allocator holds, after free memory was given back
	Huge    float64 `json:"huge"`     // of the heap in huge pages; 0: it has none
	HugeRSS float64 `json:"huge_rss"` // RSS with them

	Spread Traffic `json:"spread"` // among all sessions
	Hot    Traffic `json:"hot"`    // among HotSessions of them
	// What the clients themselves take of each message, in microseconds of
	// processor time: the same chains without a server in between.
	Clients    float64 `json:"clients_cpu_us"`     // among all sessions
	HotClients float64 `json:"hot_clients_cpu_us"` // among HotSessions of them

	Busy Traffic `json:"busy"` // Spread while garbage is collected without a pause

	Presence Presence `json:"presence"` // with Stock

	Offline    Offline    `json:"offline"` // with Stock
	Resumption Resumption `json:"resumption"`

	Pauses Pauses `json:"pauses"` // of the whole run: logins, traffic, collections

	Lost       int      `json:"lost"`
	Duplicated int      `json:"duplicated"`
	Failed     int      `json:"failed"` // logins
	Warnings   []string `json:"warnings,omitempty"`
}

// Traffic is one window.
type Traffic struct {
	PerSec float64 `json:"per_s"`
	CPU    float64 `json:"cpu_us"` // for each message, clients included
	// Latency in microseconds, from the sending client to the receiving one.
	P50 float64 `json:"p50_us"`
	P99 float64 `json:"p99_us"`
	Max float64 `json:"max_us"`
}

// Presence is the fan-out of one account's presence to its contacts.
type Presence struct {
	Contacts int     `json:"contacts"`
	PerSec   float64 `json:"per_s"`  // deliveries
	CPU      float64 `json:"cpu_us"` // for each delivery, clients included
	// Time in microseconds from publishing until the last contact has the update.
	P50 float64 `json:"p50_us"`
	P99 float64 `json:"p99_us"`
}

// Offline is messages to accounts that are offline. CPU is in microseconds for each,
// both ends included.
type Offline struct {
	Messages      int     `json:"messages"`
	StoredPerSec  float64 `json:"stored_per_s"` // until the server answers what was asked behind them
	StoreCPU      float64 `json:"store_cpu_us"`
	FetchedPerSec float64 `json:"fetched_per_s"` // by clients that are connected and become available
	FetchCPU      float64 `json:"fetch_cpu_us"`
}

// Resumption is sessions that are resumed on new connections (XEP-0198).
type Resumption struct {
	Sessions int     `json:"sessions"`
	PerSec   float64 `json:"per_s"`
	CPU      float64 `json:"cpu_us"` // of both ends for each, authentication included, without hashing passwords
	Heap     float64 `json:"heap"`   // live bytes of one that waits to be resumed
}
