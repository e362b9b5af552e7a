package load

import "math"

// Usual is what a scenario is measured with when nothing is said. What is zero it does
// not use, or the command line has it for all scenarios.
type Usual struct {
	About    string // for people
	Sessions int
	Fanout   int // as in Settings, like all that follow
	Extra    int
	Rate     float64
	Window   int
	Online   float64
	Updates  float64 // for each message; so many times the rate are Settings.Updates
	Logins   float64 // for each message; so many times the rate are Settings.Logins
}

// Usuals are those of all Scenarios.
func Usuals() map[string]Usual {
	return map[string]Usual{
		Chat:     {About: "pairs write to each other: a closed loop, or an open one with --rate", Sessions: 200},
		Login:    {About: "accounts log in and out as fast as the server allows", Sessions: 500},
		Idle:     {About: "sessions do nothing: memory of each", Sessions: 2000},
		Presence: {About: "one account's presence goes to all its contacts", Sessions: 1000, Fanout: 999},
		Roster:   {About: "logins that ask for a large roster", Sessions: 100, Fanout: 200},
		Resume:   {About: "connections are cut and their sessions resumed", Sessions: 500},
		Offline:  {About: "messages are stored for those who are offline, then fetched", Sessions: 100, Window: 10},
		Churn:    {About: "chat while other accounts come and go", Sessions: 200, Extra: 100, Rate: 1000},
		Slow:     {About: "chat beside clients that read nothing and are flooded", Sessions: 200, Extra: 210, Rate: 1000},
		Mix: {About: "a day: messages, presence and logins at once", Sessions: 1100, Fanout: 10, Extra: 100, Rate: 1000,
			Online: 0.2, Updates: 1.0 / 10, Logins: 1.0 / 50},
		S2S: {About: "chat between the users of two servers", Sessions: 200},
	}
}

// Online is how many of a publisher's contacts are online, at least one, when a share of them is.
func Online(share float64, contacts int) int { return max(1, int(math.Round(share*float64(contacts)))) }
