package inproc

import (
	"bytes"
	"context"
	"fmt"
	"strings"
)

// storedEach is how many messages each account gets while it is offline.
const storedEach = 10

var (
	awayMark   = []byte("id='away.'")   // of a message to somebody who is away
	behindMark = []byte("id='behind.'") // of a request behind such messages
)

// away is the last of the sessions: they leave, and come back.
func (r *run) away() (first, n int) {
	n = r.settings.away()
	return r.settings.Sessions - n, n
}

// offline measures messages to accounts that are offline: as many senders store
// them, and they are fetched.
func (r *run) offline(ctx context.Context) (o Offline, err error) {
	r.tell("offline messages")
	first, n := r.away()
	if err := r.leave(ctx, indexes(first, r.settings.Sessions), "</stream:stream>"); err != nil {
		return o, err
	}
	o.Messages = n * storedEach
	begin := newStretch()
	if err := r.write(ctx, first, storedEach, ""); err != nil {
		return o, err
	}
	o.StoredPerSec, o.StoreCPU = begin.over(o.Messages)
	if err := r.bringUp(ctx, indexes(first, r.settings.Sessions), bound); err != nil {
		return o, err
	}
	fetched := newTally()
	defer r.hear(func(_ *user, p []byte) { fetched.add(bytes.Count(p, awayMark)) })()
	begin = newStretch()
	for _, w := range r.wires[first:r.settings.Sessions] {
		w.Send([]byte("<presence/>"))
	}
	err = r.arriving(ctx, fetched, o.Messages)
	o.FetchedPerSec, o.FetchCPU = begin.over(o.Messages)
	return o, err
}

// resume measures sessions whose connections break and that are resumed on new
// ones, with a message for each that came meanwhile.
func (r *run) resume(ctx context.Context) (s Resumption, err error) {
	r.tell("resumptions")
	first, n := r.away()
	before, err := readMemory()
	if err != nil {
		return s, err
	}
	if err := r.manage(ctx, first); err != nil {
		return s, err
	}
	if err := r.leave(ctx, indexes(first, r.settings.Sessions), ""); err != nil {
		return s, err
	}
	after, err := readMemory()
	if err != nil {
		return s, err
	}
	s.Sessions, s.Heap = n, r.result.Heap+(after.heap-before.heap)/float64(n)
	if err := r.write(ctx, first, 1, "/"+resource); err != nil {
		return s, err
	}
	arrived := newTally()
	defer r.hear(func(_ *user, p []byte) { arrived.add(bytes.Count(p, awayMark)) })()
	begin := newStretch()
	if err := r.bringUp(ctx, indexes(first, r.settings.Sessions), resumed); err != nil {
		return s, err
	}
	s.PerSec, s.CPU = begin.over(n)
	err = r.arriving(ctx, arrived, n)
	for _, w := range r.wires[first:r.settings.Sessions] {
		w.Send([]byte("<a xmlns='urn:xmpp:sm:3' h='1'/>")) // or it would be stored when the session ends
	}
	return s, err
}

// manage has sessions turn stream management on (XEP-0198 §3).
func (r *run) manage(ctx context.Context, first int) error {
	r.previous = make([]string, r.settings.Sessions-first)
	enabled := newTally()
	defer r.hear(func(u *user, p []byte) {
		if _, rest, ok := bytes.Cut(p, []byte("<enabled ")); ok {
			_, rest, _ = bytes.Cut(rest, []byte(" id='"))
			id, _, _ := bytes.Cut(rest, []byte("'"))
			r.previous[int(u.index)-first] = string(id)
			enabled.add(1)
		}
	})()
	for _, w := range r.wires[first:r.settings.Sessions] {
		w.Send([]byte("<enable xmlns='urn:xmpp:sm:3' resume='true'/>"))
	}
	return enabled.await(ctx, len(r.previous), "sessions with stream management")
}

// leave breaks the connections of the sessions of these indexes, which say last before.
func (r *run) leave(ctx context.Context, list []int, last string) error {
	gone := newTally()
	r.gone.Store(gone)
	defer r.gone.Store(nil)
	for _, i := range list {
		r.wires[i].Send([]byte(last))
		r.wires[i].Close()
	}
	return gone.await(ctx, len(list), "connections that ended")
}

// write has each of the first sessions send messages to one of those from first on,
// and returns when the server has answered what they asked behind these.
func (r *run) write(ctx context.Context, first, messages int, to string) error {
	answered := newTally()
	defer r.hear(func(_ *user, p []byte) { answered.add(bytes.Count(p, behindMark)) })()
	n := r.settings.Sessions - first
	for i := range n {
		head := fmt.Sprintf("<message to='%s@%s%s' type='chat' %s><body>", name(first+i), domain, to, awayMark)
		one := head + strings.Repeat("m", max(1, r.settings.Payload-len(head)-len(tail))) + tail
		r.wires[i].Send([]byte(strings.Repeat(one, messages) +
			"<iq type='get' to='" + domain + "' " + string(behindMark) + "><ping xmlns='urn:xmpp:ping'/></iq>"))
	}
	return answered.await(ctx, n, "answers behind messages")
}

// arriving waits for n messages and counts what is lost, or comes twice.
func (r *run) arriving(ctx context.Context, t *tally, n int) error {
	err := t.await(ctx, n, "messages that arrived")
	if more := int(t.count.Load()) - n; more > 0 {
		r.strange.Add(int64(more))
	} else {
		r.result.Lost -= more
	}
	return err
}
