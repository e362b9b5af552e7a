package inproc

import (
	"context"
	"time"
)

// churnAtOnce is how many leave and come back at once, as over the wire.
const churnAtOnce = 32

// churn measures users in an open loop while others log out and in without a pause.
func (r *run) churn(ctx context.Context) (c Churn, err error) {
	users, _, stalled := r.settings.Crowd()
	if stalled == 0 {
		return c, nil
	}
	r.tell("users beside logins")
	t := r.newTalk(users, churnTalk)
	defer r.hear(func(u *user, p []byte) {
		if int(u.index) < users {
			t.hear(u, p)
		}
	})()
	logins, begin := 0, newStretch()
	c.Beside, err = t.beside(ctx, func(ctx context.Context) (err error) {
		logins, err = r.comeAndGo(ctx, begin.begin.Add(r.settings.Warmup+r.settings.Duration))
		c.PerSec, _ = begin.over(logins)
		return err
	})
	return c, err
}

// comeAndGo has a few of those who may be away log out and in, and the next few, until
// the end.
func (r *run) comeAndGo(ctx context.Context, end time.Time) (logins int, err error) {
	first, n := r.away()
	for at := 0; ; at += churnAtOnce {
		if at >= n {
			at = 0
		}
		few := indexes(first+at, first+min(at+churnAtOnce, n))
		if err := r.leave(ctx, few, "</stream:stream>"); err != nil {
			return logins, err
		}
		if err := r.bringUp(ctx, few, online); err != nil {
			return logins, err
		}
		if logins += len(few); !time.Now().Before(end) {
			return logins, nil
		}
	}
}
