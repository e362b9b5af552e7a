package token

import "io"

// Login is what a client that has proven who it is does with its tokens.
type Login struct {
	Used       *Token // New or Current of the record, by which it logged in; nil: by a password
	Count      uint32 // as told with it; 0: not told
	Invalidate bool   // it wants its tokens to end, XEP-0484 §4.6
	Request    string // the mechanism that it wants a token for; "": none
}

// Outcome is what is to be stored after a login.
type Outcome struct {
	Changed bool // something is to be stored
	Durable bool // and must be on disk before the client is let in: a token ends by it, or begins
	Must    bool // without it the client may not be let in
	Issued  bool // Record.New is a new token for the client
	Empty   bool // nothing is left: the record goes
}

// CheckCount tells whether a login that tells count may use t: no count is taken
// twice, nor a lower one (XEP-0484 §4.4). 0 is no count: COMPAT(@xmpp/client),
// which tells 0 each time.
func (t *Token) CheckCount(count uint32) bool { return count == 0 || count > t.Count }

// Settle changes r, which belongs to the client that logs in at now (Unix
// seconds), as XEP-0484 §4 and §5 have it.
func (p *Policy) Settle(r *Record, l Login, now int64, random io.Reader) (out Outcome) {
	if l.Used != nil {
		p.settleUsed(r, &l, now, &out)
	}
	if l.Invalidate {
		r.New, r.Current = Token{}, Token{}
		out.Changed, out.Durable, out.Must = true, true, true
	}
	mechanism := l.Request
	if mechanism == "" && l.Used != nil && !l.Invalidate && p.due(&r.Current, now) {
		mechanism = r.Current.Mechanism
	}
	if mechanism != "" {
		if !r.New.Exists() && !r.Current.Exists() {
			r.Used = now
		}
		p.issue(r, mechanism, now, random)
		out.Changed, out.Durable, out.Issued = true, true, true
	}
	out.Empty = !r.New.Exists() && !r.Current.Exists()
	return out
}

// settleUsed notes that a token was used.
func (p *Policy) settleUsed(r *Record, l *Login, now int64, out *Outcome) {
	if l.Count > l.Used.Count {
		l.Used.Count = l.Count
		out.Changed, out.Must = true, true
	}
	if l.Used == &r.New { // what was issued before it ends, XEP-0484 §4.5
		r.Current, r.New = r.New, Token{}
		out.Changed, out.Durable, out.Must = true, true, true
	}
	if now-r.Used >= usedStep {
		r.Used = now
		out.Changed = true
	}
}
