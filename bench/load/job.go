package load

import (
	"time"

	"github.com/xylem-im/xylem/bench/client"
)

// Names of scenarios.
const (
	Chat     = "chat"     // pairs that write to each other
	Login    = "login"    // log in and out as fast as the server allows
	Idle     = "idle"     // sessions that do nothing
	Presence = "presence" // one session's presence goes to many
	Roster   = "roster"   // logins that fetch a large roster
	Offline  = "offline"  // messages to accounts that are offline, then fetched
	Churn    = "churn"    // chat while others connect and leave
	Resume   = "resume"   // connections are cut and their sessions resumed
	Slow     = "slow"     // chat beside clients that do not read what floods them
	Mix      = "mix"      // logins, presence and chat at once
	S2S      = "s2s"      // chat between the users of two servers, beside that within each
)

// Scenarios lists them in the order in which the documentation tells them.
var Scenarios = [...]string{Chat, Login, Idle, Presence, Roster, Offline, Resume, Churn, Slow, Mix, S2S}

// Settings are what one measurement is made with. They are part of every
// result: only results with equal Settings may be compared.
type Settings struct {
	Name      string        `json:"name,omitempty"` // that people gave the measurement; no part of how it is made
	Scenario  string        `json:"scenario"`
	Sessions  int           `json:"sessions"`               // all together, over all generator processes
	Payload   int           `json:"payload"`                // bytes of a whole chat stanza as sent, at least MinPayload and Content
	Content   string        `json:"content,omitempty"`      // XML behind the body of each chat stanza
	Window    int           `json:"window"`                 // stanzas in flight per pair (chat), or between two checks (offline)
	Rate      float64       `json:"rate,omitempty"`         // per second over all: an open loop; 0: a closed one
	TLS       bool          `json:"tls"`                    // STARTTLS, or TLS at once for a target that wants that
	Mechanism string        `json:"mechanism,omitempty"`    // "" is the best offered
	Login     string        `json:"login,omitempty"`        // one of client.Logins; "" is classic
	Tickets   bool          `json:"tickets,omitempty"`      // TLS sessions are resumed
	Exchange  string        `json:"key_exchange,omitempty"` // of TLS, one of client.KeyExchanges; "" is what Go offers
	FullJID   bool          `json:"full_jid,omitempty"`     // address chat to full JIDs instead of bare ones
	Managed   bool          `json:"managed,omitempty"`      // XEP-0198
	Devices   int           `json:"devices,omitempty"`      // chat: sessions of each account, all with carbons (XEP-0280); 0: one, without
	Warmup    time.Duration `json:"warmup"`
	Duration  time.Duration `json:"duration"`
	Parallel  int           `json:"parallel"`           // logins under way at once, over all
	Fanout    int           `json:"fanout,omitempty"`   // presence, mix: contacts of a publisher; roster: contacts of each account
	Messages  int           `json:"messages,omitempty"` // offline: messages for each recipient
	Extra     int           `json:"extra,omitempty"`    // churn, mix: accounts that come and go; slow: clients that stall
	Logins    float64       `json:"logins,omitempty"`   // churn, mix: their logins per second; 0: in churn without a pause, in mix none
	Updates   float64       `json:"updates,omitempty"`  // mix: updates of presence per second, over all; 0: none
	Online    float64       `json:"online,omitempty"`   // mix: share of a publisher's contacts who are online, more than 0 to 1
	Flood     float64       `json:"flood,omitempty"`    // slow: messages per second to stalled clients
	Inside    string        `json:"inside,omitempty"`   // in one process: the scenarios if not all are measured, and what else is chosen there
	Held      int           `json:"held,omitempty"`     // slow: bytes that xylem may hold for one of them, where the harness starts it; 0: its default
}

// A Job is one generator process's part of a measurement.
type Job struct {
	Settings
	Address    string          `json:"address"`
	Domain     string          `json:"domain"`
	Other      *Place          `json:"other,omitempty"` // s2s: the server of accounts with odd numbers
	DirectTLS  bool            `json:"direct_tls,omitempty"`
	CA         string          `json:"ca,omitempty"` // PEM of who may sign the server's certificate; "": it is not checked
	Relay      bool            `json:"relay,omitempty"`
	Accounts   client.Accounts `json:"accounts"`
	First      int             `json:"first"`       // number of its first account
	Count      int             `json:"count"`       // its share of Sessions
	ExtraFirst int             `json:"extra_first"` // number of its first account for Extra
	ExtraCount int             `json:"extra_count"`
	Share      float64         `json:"share"`       // its share of Rate, Flood and Parallel
	PerAddress int             `json:"per_address"` // sessions for each source address; 0: the kernel chooses
	Epoch      int64           `json:"epoch"`       // zero of all times, Unix nanoseconds; the same for all processes
	Run        string          `json:"run"`         // names the run in tokens
}

// Beside tells whether the process only makes a crowd beside users, whom others measure.
func (job *Job) Beside() bool { return job.Count == 0 && job.ExtraCount > 0 }

// A Place is where accounts log in.
type Place struct {
	Address string `json:"address"`
	Domain  string `json:"domain"`
}

// A Command is one thing for a Worker to do.
type Command struct {
	Do    string `json:"do"`              // "connect", "run" or "quit"
	Count int    `json:"count,omitempty"` // connect: sessions to have
	Phase string `json:"phase,omitempty"` // run: which part of the scenario
	From  int64  `json:"from,omitempty"`  // run: the window that counts, ns since Epoch
	To    int64  `json:"to,omitempty"`
}

// An Event is something that a Worker tells.
type Event struct {
	Is       string           `json:"is"` // "progress", "connected", "done" or "failed"
	Counters map[string]int64 `json:"counters,omitempty"`
	Error    string           `json:"error,omitempty"`
	Result   *Result          `json:"result,omitempty"` // done
}

// Result is what a phase came to in one process.
type Result struct {
	Counters   map[string]int64  `json:"counters"`   // see the Count constants
	Histograms map[string][]byte `json:"histograms"` // HDR, V2 compressed; nanoseconds
	CPU        time.Duration     `json:"cpu"`        // of this process inside the window
	Wall       time.Duration     `json:"wall"`       // the window, or the time that the work took
	Cores      int               `json:"cores"`      // that this process may use
	Notes      []string          `json:"notes,omitempty"`
}

// Names of counters. Those of traffic count inside the window, those of
// faults over the whole phase.
const (
	CountSent       = "sent"
	CountDelivered  = "delivered"
	CountPresence   = "presence" // mix: updates that reached a contact; elsewhere they are what is delivered
	CountCopies     = "copies"   // what reached further devices, as messages or copies
	CountLost       = "lost"
	CountDuplicated = "duplicated"
	CountReordered  = "reordered"
	CountErrors     = "errors"      // stanzas of type error
	CountStray      = "stray"       // of an earlier run
	CountSessions   = "sessions"    // online at the end
	CountLogins     = "logins"      // finished
	CountFailed     = "login_fails" // refused or timed out
	CountBroken     = "broken"      // sessions that ended while they should not
	CountSetup      = "setup"       // subscriptions in place; before the window
	CountFlooded    = "flooded"     // messages sent to stalled clients
	CountFlooding   = "flooding"    // of them those that were due in the window

	CountRefused     = "refused"     // of them: returned as errors
	CountKept        = "kept"        // fetched by their recipients later
	CountUnaccounted = "unaccounted" // neither, while stream management allows no other end
	CountTwice       = "twice"       // more than one of these, or one more than once
)

// Names of histograms.
const (
	HistMessage = "message" // chat; in presence, updates
	HistCopy    = "copy"    // chat: the same until a further device has it
	HistLogin   = "login"
	HistTLS     = "login tls"
	HistAuth    = "login auth"
	HistBind    = "login bind"
	HistRoster  = "login roster"
	HistUpdate  = "update"     // presence, mix: from sending until the last contact has it
	HistResume  = "resume"     // from connecting until the server has resumed the session
	HistDrain   = "drain"      // offline: from login until the last message
	HistLate    = "late"       // open loop: from when something was due until the generator wrote it
	HistFlood   = "flood late" // slow: the same of the flood
)
