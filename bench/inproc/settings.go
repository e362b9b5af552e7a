package inproc

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/xylem-im/xylem/bench/load"
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
	// Users who write beside logins, and beside a flood to clients that read nothing, as in
	// the scenarios churn and slow over the wire.
	Rate  float64 `json:"rate"`  // messages per second among the users, at most HotSessions; an open loop
	Extra int     `json:"extra"` // sessions beside them, one in 21 of which floods the others; fewer if there are fewer; less than 2: all this is left out
	Flood float64 `json:"flood"` // messages per second to those who read nothing
	// Held is the bytes that the server may hold for each session: a third of them unsent, a third
	// unacknowledged, a third stored.
	Held int `json:"held"`
	// A day, as the scenario mix has it: Rate, and beside it what follows. Only with Stock.
	Fanout  int     `json:"fanout"`  // contacts of a publisher; 0: it is left out
	Online  float64 `json:"online"`  // share of them who are online, more than 0 to 1
	Updates float64 `json:"updates"` // of presence, per second
	Logins  float64 `json:"logins"`  // per second, of
	Comers  int     `json:"comers"`  // so many accounts, half of the sessions at most
	// Far is how many sessions there are at another server, for messages between two; fewer
	// if there are fewer at this one. Less than 2: they are left out.
	Far int `json:"far"`
	// Only names scenarios that are measured, beside logging in and the memory of idle
	// sessions. Empty: all.
	Only []string `json:"only,omitempty"`
	// HugePages backs the heap with huge pages before the traffic, if more of it is alive than hugepages.From.
	HugePages bool `json:"huge_pages"`
}

const (
	maxOpen   = 1 << 24      // messages of an open loop, of which each is remembered
	leastHeld = 3 * 64 << 10 // the engine's least for each third
)

// LeastBytes is memory that each session takes at least, its client included.
const LeastBytes = 1 << 10

// Crowd shares the sessions out for the flood: some write to each other, of those behind
// them Extra at most flood or read nothing, and those at the end, which have been away,
// are left alone. All are 0 when there are too few.
func (s *Settings) Crowd() (users, flooders, stalled int) {
	users = min(HotSessions, s.Sessions/4) &^ 1
	extra := min(s.Extra, s.Sessions-s.away()-users)
	if users == 0 || extra < 2 {
		return 0, 0, 0
	}
	stalled = load.Stalled(extra)
	return users, extra - stalled, stalled
}

// away is how many sessions leave and come back, half of them at most.
func (s *Settings) away() int { return min(HotSessions, s.Sessions/2) }

// Scenarios are those that can be measured: all of the load harness.
func Scenarios() []string { return load.Scenarios[:] }

// NeedsStock tells whether a scenario needs extensions, so that sessions and routing alone
// have nothing of it.
func NeedsStock(scenario string) bool {
	return slices.Contains([]string{load.Offline, load.Presence, load.Roster, load.Mix}, scenario)
}

// UsedBy returns the scenarios that use a setting, named as in a plan file. All use those
// that are not in its list.
func UsedBy(key string) []string {
	switch key {
	case "payload":
		return []string{load.Chat, load.Offline, load.Churn, load.Slow, load.Mix, load.S2S}
	case "chains":
		return []string{load.Chat, load.S2S}
	case "rate":
		return []string{load.Churn, load.Slow, load.Mix}
	case "extra", "flood", "held":
		return []string{load.Churn, load.Slow}
	case "fanout", "online", "update_rate", "login_rate", "comers":
		return []string{load.Mix}
	case "far":
		return []string{load.S2S}
	}
	return load.Scenarios[:]
}

// Measures tells whether a scenario is to be measured.
func (s *Settings) Measures(scenario string) bool {
	switch {
	case !s.Stock && NeedsStock(scenario):
		return false
	case scenario == load.Mix && s.Fanout == 0, scenario == load.S2S && s.Far < 2:
		return false
	case scenario == load.Presence && slices.Contains(s.Only, load.Roster):
		return true // it makes the contacts
	}
	return len(s.Only) == 0 || slices.Contains(s.Only, scenario)
}

// others is how many sessions there are at the other server.
func (s *Settings) others() int {
	if !s.Measures(load.S2S) {
		return 0
	}
	return min(s.Far, s.Sessions) &^ 1
}

// A SettingError is about one of Settings.
type SettingError struct {
	Key     string // as in a plan file and, with dashes, on the command line
	Problem string
}

func (e SettingError) Error() string {
	return "--" + strings.ReplaceAll(e.Key, "_", "-") + ": " + e.Problem
}

// Check refuses what makes no sense. Run does it, too. The errors are SettingErrors, joined,
// and one for each unknown scenario.
func (s *Settings) Check() error {
	var faults []error
	wrong := func(bad bool, key, format string, args ...any) {
		if bad {
			faults = append(faults, SettingError{key, fmt.Sprintf(format, args...)})
		}
	}
	wrong(s.Sessions < 2 || s.Sessions > 1<<24, "sessions", "%d sessions; 2 to 16,777,216 are possible", s.Sessions)
	wrong(s.Payload < minPayload || s.Payload > 64<<10, "payload", "a payload of %d bytes; %d to 65,536 are possible", s.Payload, minPayload)
	wrong(s.Chains < 1 || s.Chains > maxChains, "chains", "%d messages in flight; 1 to %d are possible", s.Chains, maxChains)
	wrong(s.Duration <= 0, "duration", "a window of %v; it is longer than 0", s.Duration)
	wrong(s.Warmup < 0, "warmup", "a warm-up of %v; it is 0 or longer", s.Warmup)
	wrong(s.Loops < 0 || s.Loops > 1<<10, "loops", "%d event loops; 1 to 1,024 are possible, or 0 for one on each core", s.Loops)
	wrong(s.Held != 0 && (s.Held < leastHeld || s.Held > 1<<30), "held", "%d bytes for each session; %d to %d are possible", s.Held, leastHeld, 1<<30)
	for _, name := range s.Only {
		if !slices.Contains(Scenarios(), name) {
			faults = append(faults, fmt.Errorf("unknown scenario %q; there are %s", name, strings.Join(Scenarios(), ", ")))
		}
	}
	window := (s.Warmup + s.Duration).Seconds()
	wrong(s.Fanout < 0 || s.Fanout > 1<<16, "fanout", "%d contacts of a publisher; 0 to 65,536 are possible", s.Fanout)
	wrong(s.Comers < 0 || s.Comers > 1<<24, "comers", "%d accounts that come and go; 0 to 16,777,216 are possible", s.Comers)
	wrong(s.Far < 0 || s.Far > 1<<24, "far", "%d sessions at the other server; 0 to 16,777,216 are possible", s.Far)
	if s.Measures(load.Mix) {
		wrong(!(s.Online > 0 && s.Online <= 1), "online", "a share of %g of the contacts; it is more than 0, to 1", s.Online)
		wrong(!(s.Updates >= 0 && s.Updates*window <= maxOpen), "update_rate", "%g updates per second; 0 to %.0f are possible", s.Updates, maxOpen/window)
		wrong(!(s.Logins >= 0 && s.Logins*window <= maxOpen), "login_rate", "%g logins per second; 0 to %.0f are possible", s.Logins, maxOpen/window)
	}
	users := s.Extra >= 2 && (s.Measures(load.Churn) || s.Measures(load.Slow))
	wrong((users || s.Measures(load.Mix)) && !(s.Rate >= 1 && s.Rate*window <= maxOpen), "rate", "%g messages per second; 1 to %.0f are possible", s.Rate, maxOpen/window)
	if users {
		wrong(!(s.Flood >= 1 && s.Flood*window <= maxOpen), "flood", "%g messages per second; 1 to %.0f are possible", s.Flood, maxOpen/window)
		wrong(s.Held == 0, "held", "nothing may be held for those who read nothing")
	}
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

	Roster     Roster     `json:"roster"` // with Stock
	Mix        Mix        `json:"mix"`    // with Stock
	Federation Federation `json:"s2s"`
	Churn      Churn      `json:"churn"` // users beside logins
	Slow       Slow       `json:"slow"`  // users beside a flood

	Pauses Pauses `json:"pauses"` // logins, traffic, collections
	// SparePauses are those while users write in an open loop: there are more processors of
	// Go's than cores then, and one that has no core cannot stop. xylem serve has as many more.
	SparePauses Pauses `json:"spare_pauses"`

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

// Roster is requests for a large roster, one after the other.
type Roster struct {
	Contacts int     `json:"contacts"`
	PerSec   float64 `json:"per_s"`
	CPU      float64 `json:"cpu_us"` // of both ends
	// Time in microseconds from the request until all of it was there.
	P50 float64 `json:"p50_us"`
	P99 float64 `json:"p99_us"`
}

// Mix is a day: messages, presence and logins at once.
type Mix struct {
	Publishers int `json:"publishers"` // 0: there were too few sessions
	Contacts   int `json:"contacts"`   // of each
	Online     int `json:"online"`     // sessions that write, publishers and contacts among them
	Comers     int `json:"comers"`     // accounts that come and go

	Open                   // messages
	PerSec         float64 `json:"per_s"`          // of them
	PresencePerSec float64 `json:"presence_per_s"` // deliveries
	LoginsPerSec   float64 `json:"logins_per_s"`
	CPU            float64 `json:"cpu_us"` // of all that goes on for each message and delivery, clients included
	Cores          float64 `json:"cores"`  // in use by all that
	// Time in microseconds, from when an update was due until the last contact had it.
	UpdateP50 float64 `json:"update_p50_us"`
	UpdateP99 float64 `json:"update_p99_us"`
	// Time in microseconds, from connecting until the client is online.
	LoginP50 float64 `json:"login_p50_us"`
	LoginP99 float64 `json:"login_p99_us"`
	Failed   int     `json:"failed"` // logins, among them those that were due while all accounts were busy
}

// Federation is messages between the users of two servers in one process, which are
// joined by a TCP connection over loopback, with TLS and dialback.
type Federation struct {
	Far     int     `json:"far"`            // sessions at the other server; 0: it was not measured
	Local   Traffic `json:"local"`          // the same users writing to others of their server
	Remote  Traffic `json:"remote"`         // between the servers; CPU is that of both
	Clients float64 `json:"clients_cpu_us"` // see Result.Clients
}

// Ratio is what a message between servers costs each of both, compared with one within
// a server; 0: it is not known. What the clients take is in neither.
func (f *Federation) Ratio() float64 {
	if local := f.Local.CPU - f.Clients; local > 0 {
		return max((f.Remote.CPU-f.Clients)/2/local, 0)
	}
	return 0
}

// Churn is users who write to each other in an open loop while others log out and in.
type Churn struct {
	PerSec float64 `json:"per_s"` // logins, as many logouts
	Beside Open    `json:"beside"`
}

// Slow is users who write to each other in an open loop, first alone and then beside a
// flood to clients with stream management that read nothing, nor do their connections
// take anything.
type Slow struct {
	Users    int  `json:"users"` // 0: there were too few sessions for all that
	Stalled  int  `json:"stalled"`
	Flooders int  `json:"flooders"`
	Calm     Open `json:"calm"`
	Beside   Open `json:"beside"`

	// Messages of the flood, in the warm-up, too.
	Flood       int `json:"flood"`
	Refused     int `json:"refused"`     // came back as an error
	Kept        int `json:"kept"`        // came at the recipient's next login
	Unaccounted int `json:"unaccounted"` // neither
	Twice       int `json:"twice"`       // more than one of them, or one more than once

	Heap  float64 `json:"heap"`  // live bytes for each client that reads nothing, after the flood
	Bound float64 `json:"bound"` // of the live heap: the most without flood, and what may be held for each of them
}

// Open is users in an open loop.
type Open struct {
	// Latency in microseconds, from when a message was due until it arrived.
	P50   float64 `json:"p50_us"`
	P99   float64 `json:"p99_us"`
	Max   float64 `json:"max_us"`
	Late  float64 `json:"late_p99_us"` // of that, until it was sent
	Times []byte  `json:"times"`       // the histogram: HDR, V2 compressed; nanoseconds
	Heap  float64 `json:"heap"`        // live bytes at most, of the whole process
}
