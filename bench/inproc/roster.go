package inproc

import (
	"bytes"
	"context"
	"time"
)

// roster measures how long the account whose contacts were added for its presence takes
// to get its roster, over and over, one request after the other.
func (r *run) roster(ctx context.Context) (o Roster, err error) {
	r.tell("roster")
	contacts := r.result.Presence.Contacts
	o.Contacts = contacts
	answered, items := newTally(), newTally()
	defer r.hear(func(u *user, p []byte) {
		if u.index == 0 {
			items.add(bytes.Count(p, []byte("<item ")))
			answered.add(bytes.Count(p, behindMark))
		}
	})()
	times := newTimes()
	n, begin := 0, newStretch()
	for end := begin.begin.Add(r.settings.Duration); n == 0 || time.Now().Before(end); n++ {
		asked := time.Now()
		r.wires[0].Send([]byte("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>" +
			"<iq type='get' to='" + domain + "' " + string(behindMark) + "><ping xmlns='urn:xmpp:ping'/></iq>"))
		if err := answered.await(ctx, n+1, "rosters"); err != nil {
			return o, err
		}
		record(times, time.Since(asked))
	}
	o.PerSec, o.CPU = begin.over(n)
	o.P50, o.P99 = micros(times, 50), micros(times, 99)
	r.result.Lost += max(0, n*contacts-int(items.count.Load()))
	return o, nil
}
