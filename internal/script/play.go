package script

// Play is a conversation: who takes part and what happens, in order.
type Play struct {
	Name string // where it was read from, for messages

	cast  []*role
	steps []step
	lines []string // the source, for rewriting
}

// Account is what a play's client logs in to.
type Account struct {
	Address  string // bare JID
	Password string
}

// Accounts lists the accounts that the play needs, each once.
func (p *Play) Accounts() []Account {
	var list []Account
	seen := map[string]bool{}
	for _, r := range p.cast {
		if r.raw || seen[r.bare()] {
			continue
		}
		seen[r.bare()] = true
		list = append(list, Account{Address: r.bare(), Password: r.password})
	}
	return list
}

// role is one of the cast.
type role struct {
	name      string
	raw       bool
	local     string
	domain    string
	resource  string // "": the server makes one
	password  string
	mechanism string // "": the best that is offered
}

func (r *role) bare() string { return r.local + "@" + r.domain }

// defaultPassword is what clients of a play log in with unless it says otherwise.
const defaultPassword = "secret"

// verb is what happens in a step.
type verb string

// The verbs, as they stand in a play.
const (
	connects        verb = "connects"
	cannotConnect   verb = "cannot connect"
	sends           verb = "sends"
	receives        verb = "receives"
	receivesAnyhow  verb = "receives in any order"
	receivesNothing verb = "receives nothing"
	syncs           verb = "syncs"
	startsTLS       verb = "starts tls"
	isDisconnected  verb = "is disconnected"
	disconnects     verb = "disconnects"
	drops           verb = "drops"
)

// blockUse tells for each verb whether a block follows.
var blockUse = map[verb]bool{
	connects: false, cannotConnect: true, sends: true, receives: true, receivesAnyhow: true,
	receivesNothing: false, syncs: false, startsTLS: false, isDisconnected: false, disconnects: false, drops: false,
}

// step is one line of a play with its block.
type step struct {
	line int // of the source, from 1
	who  *role
	verb verb
	text string  // the block, joined
	want []event // the block of what is expected

	blockFrom, blockTo int // the block's lines as indices into Play.lines, for rewriting
}
