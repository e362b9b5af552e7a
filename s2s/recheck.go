package s2s

import (
	"errors"
	"fmt"

	"github.com/xylem-im/xylem/stanza"
)

// Recheck holds what there is against the policy of now, which has changed:
// streams that it does not allow are ended, and what waits for a domain that is
// denied is returned. The next attempt is not put off any longer: whatever was
// wrong may be right now.
func (r *Remote) Recheck(now int64, do *Actions) {
	policy := r.cfg.Policy(r.domain)
	for _, l := range r.links {
		if err := l.unfit(policy, r.domain); err != nil {
			l.closed = true
			do.add(Action{Kind: ActionEnd, Ref: l.Ref, Err: err})
		}
	}
	r.trouble = trouble{}
	for _, p := range r.pairs {
		p.trouble = trouble{}
	}
	r.pursue(now, do)
	r.seek(now, do)
}

// unfit is why a policy does not allow a stream. One that is still negotiated
// looks by itself.
func (l *link) unfit(policy Policy, domain string) error {
	switch {
	case policy.Denied:
		return denied(domain)
	case policy.Require == Certificate && l.Security != "" && l.Verdict != "":
		return fmt.Errorf("the certificate does not prove %s: %w", domain, errors.New(l.Verdict))
	}
	return nil
}

// deny returns what waits for a domain that is denied.
func (r *Remote) deny(q *queue, do *Actions) {
	for _, w := range r.take(q) {
		do.add(Action{Kind: ActionBounce, Stanza: w.st, Receipt: w.Receipt, Error: r.notAllowed()})
	}
}

func (r *Remote) notAllowed() stanza.Error {
	return stanza.Error{Condition: stanza.NotAllowed, Text: denied(r.domain).Error()}
}
