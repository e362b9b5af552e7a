package engine

import (
	"sync"
	"sync/atomic"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// recall is what the journal of a process tells that did not stop in order. With it
// messages with stable ids (XEP-0359) do not come twice because of that end:
//
//	what a client had acknowledged, or says that it has when it tries to resume its
//	session (the h of <resume/>), does not come from the store again (xep.Host.Recalled)
//	what it has, or what is stored for it, and is sent again by somebody who was told
//	nothing of it, is dropped (loop.isRepeated)
//
// The session itself is gone: the client is told so as always. Safe for concurrent
// use by all loops, without locks.
type recall struct {
	sessions sync.Map     // session → []journalled: what it is not known to have taken
	taken    sync.Map     // message → nothing: some client has it
	stored   sync.Map     // message → nothing: it is stored, or was
	noted    atomic.Int64 // how many are in stored
	until    int64        // when all this is forgotten, Unix nanoseconds; set when the loops begin
}

// journalled is one of the stanzas of a session.
type journalled struct {
	message uint64 // 0: all up to number are acknowledged
	number  uint32
}

const (
	// recallTime is for how long a recall is kept, nanoseconds: for clients that come
	// back, and those who send again.
	recallTime = int64(3600e9)
	// recallStored bounds recall.stored: more are not looked for.
	recallStored = 1 << 20
)

// newRecall reads a journal.
func newRecall(rings []journalRing) *recall {
	acked, given := map[uint64]uint32{}, map[uint64][]journalled{}
	for _, ring := range rings {
		for session, g := range ring.all {
			if g.message != 0 {
				given[session] = append(given[session], g)
				continue
			}
			if last, known := acked[session]; !known || int32(g.number-last) > 0 {
				acked[session] = g.number
			}
		}
	}
	r := &recall{}
	for session, list := range given {
		r.sessions.Store(session, list)
		if h, known := acked[session]; known {
			r.took(list, h)
		}
	}
	return r
}

// took notes that a client has those of list up to h.
func (r *recall) took(list []journalled, h uint32) {
	for _, g := range list {
		if int32(h-g.number) >= 0 {
			r.taken.Store(g.message, nil)
		}
	}
}

// resumed takes what a client says that wants to resume a session: all up to h was
// taken.
func (r *recall) resumed(session uint64, h uint32) (known bool) {
	list, known := r.sessions.LoadAndDelete(session)
	if known {
		r.took(list.([]journalled), h)
	}
	return known
}

// known tells what is known of a message.
func (r *recall) known(message uint64) (k xep.Recalled) {
	if message == 0 {
		return 0
	}
	if _, ok := r.taken.Load(message); ok {
		k |= xep.RecalledTaken
	}
	if _, ok := r.stored.Load(message); ok {
		k |= xep.RecalledStored
	}
	return k
}

// note notes that a message is stored.
func (r *recall) note(message uint64) {
	if message == 0 || r.noted.Load() >= recallStored {
		return
	}
	if _, had := r.stored.LoadOrStore(message, nil); !had {
		r.noted.Add(1)
	}
}

// tryToResume takes the h of a client that names a session of the process before
// this one, and writes it to the journal for the process behind this one.
func (l *loop) tryToResume(op session.Op) {
	r := l.engine.recalls()
	if r == nil {
		return
	}
	secret, ok := session.ResumeSecret(op.Resume)
	if !ok {
		return
	}
	if key := l.engine.journal.sessionKey(secret[:]); r.resumed(key, op.H) {
		l.engine.journal.rings[l.index].add(key, 0, op.H)
	}
}

// JournalNeeded tells, once Run has returned nil, whether Config.Journal must be kept
// for the next engine: something is still known from an engine that did not stop in
// order, such as which of the messages in the store a client has got.
func (e *Engine) JournalNeeded() bool { return e.recalls() != nil }

// recalls is what is known from before; nil: nothing.
func (e *Engine) recalls() *recall { return e.recall.Load() }

// isRepeated tells whether a message is sent again that somebody has got already, or
// that is stored: it is dealt with then.
func (l *loop) isRepeated(v *stanza.View, fw *stanza.Forward) bool {
	r := l.engine.recalls()
	if r == nil || !isLasting(v) {
		return false
	}
	id := v.OriginID()
	if id == nil {
		return false
	}
	if r.known(l.engine.journal.messageKey(fw.From, l.addressee(v, fw), id, nil, &l.keyed)) == 0 {
		return false
	}
	l.stats.repeated.Add(1)
	return true
}

// Recalls implements xep.Host.
func (l *loop) Recalls() bool { return l.engine.recalls() != nil }

// Recalled implements xep.Host.
func (l *loop) Recalled(st []byte) xep.Recalled {
	r := l.engine.recalls()
	if r == nil {
		return 0
	}
	return r.known(l.keyOf(st))
}

// NoteStored implements xep.Host.
func (l *loop) NoteStored(st []byte) {
	if r := l.engine.recalls(); r != nil {
		r.note(l.keyOf(st))
	}
}

// keyOf is how a rendered message is called in the journal; 0: it is in none.
func (l *loop) keyOf(st []byte) uint64 {
	j := l.engine.journal
	if j == nil {
		return 0
	}
	v, err := l.recalled.read(st)
	if err != nil || !isLasting(&v) {
		return 0
	}
	to, err := l.viewOf(parser.Unescape(v.To()))
	if err != nil {
		return 0
	}
	id, _ := v.StanzaIDBy(to.Bare().String())
	return j.messageKey(string(parser.Unescape(v.From())), parser.Unescape(v.To()), v.OriginID(), id, &l.keyed)
}

// addressee is to of a message that is about to be rendered. valid until the next
// call, and as long as v.
func (l *loop) addressee(v *stanza.View, fw *stanza.Forward) []byte {
	if raw := v.To(); len(raw) > 0 {
		return parser.Unescape(raw)
	}
	l.addressed = append(l.addressed[:0], fw.To...)
	return l.addressed
}

// keyFor is keyOf for a message that is about to be rendered for an account.
func (l *loop) keyFor(v *stanza.View, fw *stanza.Forward, account jid.View) uint64 {
	j := l.engine.journal
	if j == nil {
		return 0
	}
	origin, id := v.OriginID(), []byte(fw.ID)
	if origin == nil && len(id) == 0 {
		id, _ = v.StanzaIDBy(account.String())
	}
	return j.messageKey(fw.From, l.addressee(v, fw), origin, id, &l.keyed)
}

// journalGiven notes that the client was given a message as its last stanza.
func (c *conn) journalGiven(message uint64) {
	if key := c.journalKey(); key != 0 && message != 0 {
		c.loop.engine.journal.rings[c.loop.index].add(key, message, uint32(c.session.Sent()))
	}
}

// journalRestored notes what a restored session was given before the restart.
func (c *conn) journalRestored() {
	key := c.journalKey()
	if key == 0 {
		return
	}
	number := c.session.Acked()
	for u := range c.session.Unacked {
		number++
		if message := c.loop.keyOf(u.Stanza); message != 0 {
			c.loop.engine.journal.rings[c.loop.index].add(key, message, uint32(number))
		}
	}
}

// journalAcked notes what the client has acknowledged.
func (c *conn) journalAcked() {
	if key := c.journalKey(); key != 0 {
		c.loop.engine.journal.rings[c.loop.index].add(key, 0, uint32(c.session.Acked()))
	}
}

// journalKey is how the session is called in the journal; 0: it is in none.
func (c *conn) journalKey() uint64 {
	l := c.loop
	if l.engine.journal == nil || !c.session.Resumable() {
		return 0
	}
	if l.named == nil {
		l.named = make([]named, namedMost)
	}
	n, mb := &l.named[c.slot%namedMost], c.mailbox()
	if n.mailbox != mb {
		secret := c.session.Secret()
		n.mailbox, n.key = mb, l.engine.journal.sessionKey(secret[:])
	}
	return n.key
}

// named is how the journal calls a session.
type named struct {
	mailbox routing.Mailbox
	key     uint64
}

// namedMost is how many of them a loop remembers: those that write at a time.
const namedMost = 1024
