package report

import (
	"math"
	"strings"

	"github.com/xylem-im/xylem/bench/load"
)

// A Figure is one number that a run comes to.
type Figure struct {
	Key    string
	Title  string
	Unit   string
	Higher bool // is better
	Fault  bool // should be zero
	Plain  bool // neither more nor less of it is better
	About  string
}

// Keys of figures.
const (
	CPUPerMessage      = "cpu_us_per_message"
	SystemShare        = "cpu_system_share"
	MessagesPerSec     = "messages_per_s"
	PresencePerSec     = "presence_per_s"
	LatencyP50         = "latency_p50_us"
	LatencyP99         = "latency_p99_us"
	LatencyP999        = "latency_p999_us"
	LatencyMax         = "latency_max_us"
	CopiesPerSec       = "copies_per_s"
	CopyP50            = "copy_p50_us"
	CopyP99            = "copy_p99_us"
	UpdateP50          = "update_p50_us"
	UpdateP99          = "update_p99_us"
	LoginsPerSec       = "logins_per_s"
	CPUPerLogin        = "cpu_ms_per_login"
	LoginP50           = "login_p50_us"
	LoginP99           = "login_p99_us"
	RosterP50          = "roster_p50_us"
	RosterP99          = "roster_p99_us"
	PSSPerSession      = "pss_bytes_per_session"
	RSSPerSession      = "rss_bytes_per_session"
	HugePerSession     = "huge_bytes_per_session"
	HugeRSSPerSession  = "huge_rss_bytes_per_session"
	KernelPerSession   = "kernel_bytes_per_session"
	EmptyPSS           = "pss_bytes_empty"
	HeapPerSession     = "heap_bytes_per_session"
	ObjectsPerSession  = "heap_objects_per_session"
	DetachedHeap       = "heap_bytes_per_detached_session"
	ResumesPerSec      = "resumptions_per_s"
	CPUPerResume       = "cpu_ms_per_resumption"
	HotCPU             = "hot_cpu_us_per_message"
	DeliveryCPU        = "cpu_us_per_delivery"
	ClientCPU          = "client_cpu_us_per_message"
	HotClientCPU       = "hot_client_cpu_us_per_message"
	CPUGrowth          = "cpu_growth"
	HotGrowth          = "hot_cpu_growth"
	BusyP99            = "busy_p99_us"
	BusyMax            = "busy_max_us"
	PauseP50           = "gc_pause_p50_us"
	PauseP99           = "gc_pause_p99_us"
	PauseMax           = "gc_pause_max_us"
	SparePauseP99      = "gc_spare_pause_p99_us"
	SparePauseMax      = "gc_spare_pause_max_us"
	CollectorShare     = "gc_cpu_share"
	IdleCPU            = "cpu_cores_idle"
	StorePerSec        = "store_per_s"
	StoreCPU           = "cpu_us_per_store"
	StoreP99           = "store_p99_us"
	DrainPerSec        = "drain_per_s"
	DrainCPU           = "cpu_us_per_drain"
	DrainP99           = "drain_p99_us"
	RosterCPU          = "cpu_ms_per_roster"
	ChurnLogins        = "churn_logins_per_s"
	ChurnP50           = "churn_p50_us"
	ChurnP99           = "churn_p99_us"
	CalmP50            = "calm_p50_us"
	CalmP99            = "calm_p99_us"
	BesideP50          = "beside_p50_us"
	BesideP99          = "beside_p99_us"
	FloodRatio         = "flood_p99_ratio"
	Stalled            = "stalled"
	Flooded            = "flooded"
	Refused            = "flood_refused"
	Kept               = "flood_kept"
	Unaccounted        = "unaccounted"
	Twice              = "accounted_twice"
	FirstCPU           = "first_cpu_us_per_message"
	SecondCPU          = "second_cpu_us_per_message"
	LocalCPU           = "local_cpu_us_per_message"
	LocalPerSec        = "local_messages_per_s"
	FederationRatio    = "s2s_cpu_ratio"
	FederatedCPU       = "s2s_cpu_us_per_message"
	FederatedClientCPU = "s2s_client_cpu_us_per_message"
	FederatedPerSec    = "s2s_messages_per_s"
	FederatedP50       = "s2s_p50_us"
	FederatedP99       = "s2s_p99_us"
	MixCPU             = "mix_cpu_us_per_message"
	MixCores           = "mix_cores"
	MixPerSec          = "mix_messages_per_s"
	MixP50             = "mix_p50_us"
	MixP99             = "mix_p99_us"
	MixPresence        = "mix_presence_per_s"
	MixUpdateP50       = "mix_update_p50_us"
	MixUpdateP99       = "mix_update_p99_us"
	MixLogins          = "mix_logins_per_s"
	MixLoginP50        = "mix_login_p50_us"
	MixLoginP99        = "mix_login_p99_us"
	StalledHeap        = "heap_bytes_per_stalled"
	PeakHeap           = "peak_heap_bytes"
	PeakRSS            = "peak_rss_bytes"
	MemoryBound        = "memory_bound_bytes"
	BoundUse           = "memory_bound_use"
	ServerCores        = "server_cores"
	GeneratorUse       = "generator_use"
	GeneratorLate      = "generator_late_p99_us"
	Generators         = "generators"
	Lost               = "lost"
	Duplicated         = "duplicated"
	Reordered          = "reordered"
	Errors             = "errors"
	LoginFails         = "login_fails"
	Broken             = "broken"
)

// Figures lists all, in the order of tables.
func Figures() []Figure {
	return []Figure{
		{Key: CPUPerMessage, Title: "server CPU per message", Unit: "µs", About: "user and system time of the server's processes in the window, divided by what arrived in it; in slow, by that and the messages of the flood; in mix, by messages and presence, logins being in it, too"},
		{Key: FirstCPU, Title: "of it on the first server", Unit: "µs", About: "messages go both ways, so each server sends half of them and receives the others"},
		{Key: SecondCPU, Title: "of it on the second server", Unit: "µs"},
		{Key: LocalCPU, Title: "the same within a server", Unit: "µs", About: "the same sessions writing to users of their own server, in the same run"},
		{Key: FederatedCPU, Title: "CPU per message between two servers", Unit: "µs", About: "in one process: of both, clients included, over one TLS connection; each second message goes the other way"},
		{Key: FederatedClientCPU, Title: "of it and of that within a server the clients' part", Unit: "µs"},
		{Key: FederationRatio, Title: "busier server / within a server", Unit: "×", About: "what federation costs a server for each message, compared with delivering it itself; in one process half of what both take, clients in neither"},
		{Key: MessagesPerSec, Title: "messages", Unit: "/s", Higher: true, About: "that arrived; in presence, deliveries"},
		{Key: PresencePerSec, Title: "presence", Unit: "/s", Higher: true, About: "updates that reached a contact, beside the messages"},
		{Key: FederatedPerSec, Title: "messages between two servers", Unit: "/s", Higher: true, About: "in one process"},
		{Key: LocalPerSec, Title: "messages within both servers", Unit: "/s", Higher: true},
		{Key: LatencyP50, Title: "latency p50", Unit: "time", About: "from when a message was due (open loop) or written (closed loop) until its receiver read it"},
		{Key: LatencyP99, Title: "latency p99", Unit: "time"},
		{Key: LatencyP999, Title: "latency p99.9", Unit: "time"},
		{Key: LatencyMax, Title: "latency max", Unit: "time"},
		{Key: CopiesPerSec, Title: "messages on further devices", Unit: "/s", Higher: true, About: "that reached a session beside the one that they were written by or for, as messages or as copies (XEP-0280)"},
		{Key: CopyP50, Title: "latency there p50", Unit: "time", About: "until such a session has it"},
		{Key: CopyP99, Title: "latency there p99", Unit: "time"},
		{Key: UpdateP50, Title: "last contact p50", Unit: "time", About: "from publishing until the last contact has it"},
		{Key: UpdateP99, Title: "last contact p99", Unit: "time"},
		{Key: FederatedP50, Title: "latency between two servers p50", Unit: "time", About: "in one process: from when a message was written"},
		{Key: FederatedP99, Title: "latency between two servers p99", Unit: "time"},
		{Key: MixPerSec, Title: "a day: messages", Unit: "/s", Higher: true, About: "in one process: mix, with presence and logins beside them"},
		{Key: MixPresence, Title: "a day: presence", Unit: "/s", Higher: true, About: "updates that reached a contact"},
		{Key: MixLogins, Title: "a day: logins", Unit: "/s", Higher: true},
		{Key: MixCPU, Title: "a day: CPU per message and update", Unit: "µs", About: "of all that goes on, logins and clients included"},
		{Key: MixCores, Plain: true, Title: "a day: CPU", Unit: "cores", About: "of all that goes on, clients included"},
		{Key: MixP50, Title: "a day: latency p50", Unit: "time", About: "from when a message was due"},
		{Key: MixP99, Title: "a day: latency p99", Unit: "time"},
		{Key: MixUpdateP50, Title: "a day: last contact p50", Unit: "time", About: "from when an update was due until the last contact had it"},
		{Key: MixUpdateP99, Title: "a day: last contact p99", Unit: "time"},
		{Key: MixLoginP50, Title: "a day: login p50", Unit: "time", About: "from connecting until the client is online"},
		{Key: MixLoginP99, Title: "a day: login p99", Unit: "time"},
		{Key: ChurnP50, Title: "p50 beside logins", Unit: "time", About: "in one process: of users in an open loop while others log out and in, from when a message was due"},
		{Key: ChurnP99, Title: "p99 beside logins", Unit: "time"},
		{Key: ChurnLogins, Title: "logins beside users", Unit: "/s", Higher: true, About: "in one process: without a pause, 32 at once"},
		{Key: CalmP50, Title: "p50 without flood", Unit: "time", About: "in one process: of the same users with nothing beside them"},
		{Key: CalmP99, Title: "p99 without flood", Unit: "time"},
		{Key: BesideP50, Title: "p50 with flood", Unit: "time"},
		{Key: BesideP99, Title: "p99 with flood", Unit: "time"},
		{Key: FloodRatio, Title: "p99 with / without flood", Unit: "×"},
		{Key: Stalled, Plain: true, Title: "clients that read nothing"},
		{Key: Flooded, Plain: true, Title: "flood", About: "messages that were sent to clients that read nothing"},
		{Key: Refused, Plain: true, Title: "of it refused", About: "returned to the sender as an error"},
		{Key: Kept, Plain: true, Title: "of it kept", About: "fetched by the recipient after the flood"},
		{Key: StalledHeap, Title: "heap per client that reads nothing", Unit: "bytes", About: "in one process: live objects after the flood, above those before it"},
		{Key: PeakHeap, Title: "heap, peak", Unit: "bytes", About: "in one process: of live objects beside the flood, those of all sessions included"},
		{Key: PeakRSS, Title: "server RSS, peak", Unit: "bytes"},
		{Key: MemoryBound, Plain: true, Title: "bound of it", Unit: "bytes", About: "the peak without flood, and for each client that reads nothing what the server is configured to hold for it at most"},
		{Key: BoundUse, Title: "peak / bound", Unit: "%"},
		{Key: LoginsPerSec, Title: "logins", Unit: "/s", Higher: true, About: "from connecting to a bound resource; in roster, to the roster; in resume, to the resumed session"},
		{Key: CPUPerLogin, Title: "server CPU per login", Unit: "ms", About: "logging out included"},
		{Key: LoginP50, Title: "login p50", Unit: "time"},
		{Key: LoginP99, Title: "login p99", Unit: "time"},
		{Key: RosterP50, Title: "roster p50", Unit: "time", About: "from asking for it until all of it was there"},
		{Key: RosterP99, Title: "roster p99", Unit: "time"},
		{Key: RosterCPU, Title: "CPU per roster", Unit: "ms", About: "in one process: of both ends, for the contacts that presence went to"},
		{Key: PSSPerSession, Title: "PSS per session", Unit: "bytes", About: "memory of the server above that of the empty server, divided by sessions"},
		{Key: RSSPerSession, Title: "RSS per session", Unit: "bytes"},
		{Key: HugePerSession, Title: "in huge pages per session", Unit: "bytes", About: "of the heap, before messages are sent"},
		{Key: HugeRSSPerSession, Title: "RSS with huge pages per session", Unit: "bytes", About: "they are filled up where the heap has gaps"},
		{Key: KernelPerSession, Title: "kernel per session", Unit: "bytes", About: "slab and TCP buffers of the whole machine, both ends of each connection"},
		{Key: HeapPerSession, Title: "heap per session", Unit: "bytes", About: "live objects after a collection, above the engine without sessions"},
		{Key: ObjectsPerSession, Title: "heap objects per session"},
		{Key: DetachedHeap, Title: "heap per session without connection", Unit: "bytes", About: "in one process: with stream management, waiting to be resumed"},
		{Key: ResumesPerSec, Title: "resumptions", Unit: "/s", Higher: true, About: "in one process: connecting and authentication included"},
		{Key: CPUPerResume, Title: "CPU per resumption", Unit: "ms", About: "in one process: of both ends, a message that came meanwhile included"},
		{Key: HotCPU, Title: "CPU per message, few write", Unit: "µs", About: "in one process: messages among 1,000 of the sessions; otherwise among all, so that each meets memory that no cache holds"},
		{Key: ClientCPU, Title: "of CPU per message the clients' part", Unit: "µs", About: "in one process: measured with the same messages, passed on by the clients without a server"},
		{Key: HotClientCPU, Title: "the same, few write", Unit: "µs"},
		{Key: DeliveryCPU, Title: "CPU per delivery of presence", Unit: "µs", About: "in one process: one account's presence to 999 contacts, or as many as there are"},
		{Key: CPUGrowth, Title: "CPU as the number grows", Unit: "×", About: "CPU per message as a ratio of that with the fewest sessions of the turn"},
		{Key: HotGrowth, Title: "the same, few write", Unit: "×"},
		{Key: BusyP99, Title: "latency p99 during collections", Unit: "time", About: "while garbage is collected without a pause"},
		{Key: BusyMax, Title: "latency max during collections", Unit: "time"},
		{Key: PauseP50, Title: "GC pause p50", Unit: "time", About: "times in which the collector stopped everything, logins included, with as many processors of Go's as cores"},
		{Key: PauseP99, Title: "GC pause p99", Unit: "time"},
		{Key: PauseMax, Title: "GC pause max", Unit: "time"},
		{Key: SparePauseP99, Title: "GC pause p99, processors to spare", Unit: "time", About: "while users write in an open loop, with four more than cores, as xylem serve has: one without a core cannot stop"},
		{Key: SparePauseMax, Title: "GC pause max, processors to spare", Unit: "time"},
		{Key: CollectorShare, Title: "CPU of collections", Unit: "×", About: "share of the processor time of the whole run, logins and forced collections included"},
		{Key: EmptyPSS, Title: "PSS, empty", Unit: "bytes"},
		{Key: IdleCPU, Title: "CPU while idle", Unit: "cores"},
		{Key: StorePerSec, Title: "stored", Unit: "/s", Higher: true, About: "messages to offline accounts until the server answers a request sent behind them"},
		{Key: StoreCPU, Title: "server CPU per stored", Unit: "µs", About: "in one process: of both ends"},
		{Key: StoreP99, Title: "store p99", Unit: "time", About: "of a batch, until that answer"},
		{Key: DrainPerSec, Title: "fetched", Unit: "/s", Higher: true},
		{Key: DrainCPU, Title: "server CPU per fetched", Unit: "µs", About: "over the wire with the login; in one process without it, of both ends"},
		{Key: DrainP99, Title: "login to last message p99", Unit: "time"},
		{Key: ServerCores, Plain: true, Title: "server CPU", Unit: "cores"},
		{Key: SystemShare, Plain: true, Title: "of it in the kernel", Unit: "%"},
		{Key: GeneratorUse, Plain: true, Title: "generator CPU", Unit: "%", About: "of the cores it may use; beyond 90 % the generator limits the server"},
		{Key: GeneratorLate, Plain: true, Title: "generator late p99", Unit: "time", About: "open loop: from when a message was due until the generator wrote it; it is part of the latency"},
		{Key: Generators, Plain: true, Title: "generator processes", About: "where one may not open as many files as there are sessions"},
		{Key: Lost, Title: "lost", Fault: true},
		{Key: Duplicated, Title: "duplicated", Fault: true},
		{Key: Reordered, Title: "reordered", Fault: true},
		{Key: Errors, Title: "stanza errors", Fault: true},
		{Key: LoginFails, Title: "failed logins", Fault: true},
		{Key: Unaccounted, Title: "flood, no trace", Fault: true, About: "neither refused nor kept, though the recipient acknowledged nothing"},
		{Key: Twice, Title: "flood, twice", Fault: true},
		{Key: Broken, Title: "broken sessions", Fault: true},
	}
}

// in is f as a scenario calls it: what presence delivers is no message.
func (f Figure) in(scenario string) Figure {
	if scenario == load.Presence {
		f.Title = strings.NewReplacer("per message", "per delivery", "messages", "deliveries").Replace(f.Title)
	}
	return f
}

// Show formats a value for people.
func (f Figure) Show(v float64) string {
	switch f.Unit {
	case "time": // values are µs
		switch {
		case v >= 1e6:
			return number(v/1e6) + " s"
		case v >= 1e3:
			return number(v/1e3) + " ms"
		}
		return number(v) + " µs"
	case "bytes":
		switch a := math.Abs(v); {
		case a >= 1<<30:
			return number(v/(1<<30)) + " GiB"
		case a >= 1<<20:
			return number(v/(1<<20)) + " MiB"
		case a >= 1<<10:
			return number(v/(1<<10)) + " KiB"
		}
		return number(v) + " B"
	case "%":
		return number(v*100) + " %"
	case "":
		if v == math.Trunc(v) {
			return thousands(v) // a count
		}
		return number(v)
	}
	return number(v) + " " + f.Unit
}
