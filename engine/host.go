package engine

import (
	cryptorand "crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"unsafe"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/xep"
)

// The methods of this file make a loop the xep.Host of the accounts that are
// at home on it, and of the message hooks that run on it.
var _ xep.Host = (*loop)(nil)

// Now implements xep.Host.
func (l *loop) Now() int64 { return l.now }

// Registry implements xep.Host.
func (l *loop) Registry() *xep.Registry { return l.engine.registry }

// Store implements xep.Host.
func (l *loop) Store(op *storage.Op, done func(*storage.Result)) { l.ask(op, done) }

// Services implements xep.Host.
func (l *loop) Services(domain string) []string { return l.engine.servicesOf(domain) }

// Serves implements xep.Host.
func (l *loop) Serves(domain string) bool { return l.engine.table.Domain(domain) != nil }

// Resources implements xep.Host.
func (l *loop) Resources(bare jid.JID, dst []xep.Resource) []xep.Resource {
	d := l.engine.table.Domain(bare.Domain())
	if d == nil {
		return dst
	}
	var buf [4]routing.Entry
	return appendResources(dst, d.Lookup(bare.Local(), buf[:0]))
}

func appendResources(dst []xep.Resource, entries []routing.Entry) []xep.Resource {
	for i := range entries {
		dst = append(dst, resourceOf(&entries[i]))
	}
	return dst
}

func resourceOf(e *routing.Entry) xep.Resource {
	return xep.Resource{Name: e.Resource, Available: e.Available, Priority: e.Priority, Marks: xep.Mark(e.Flags)}
}

// SetPresence implements xep.Host.
func (l *loop) SetPresence(s xep.SessionRef, available bool, priority int8) bool {
	d := l.engine.table.Domain(s.JID.Domain())
	return d != nil && d.SetPresence(s.JID.Local(), s.JID.Resource(), routing.Mailbox(s.ID), available, priority)
}

// Mark implements xep.Host.
func (l *loop) Mark(j jid.JID, set, clear xep.Mark) {
	d := l.engine.table.Domain(j.Domain())
	if d == nil {
		return
	}
	for _, entry := range d.Lookup(j.Local(), nil) {
		if r := j.Resource(); r != "" && r != entry.Resource {
			continue
		}
		d.SetFlags(j.Local(), entry.Resource, entry.Mailbox, routing.Flags(set), routing.Flags(clear))
		l.postControl(entry.Mailbox, marking{set, clear})
	}
}

// marking keeps the marks that a connection knows of itself.
type marking struct{ set, clear xep.Mark }

func (m marking) apply(_ *loop, c *conn) {
	if c != nil {
		c.marks = c.marks&^m.clear | m.set
	}
}

// Route implements xep.Host.
func (l *loop) Route(st []byte) { l.routeOrLog(append([]byte(nil), st...)) }

// Deliver implements xep.Host.
func (l *loop) Deliver(full jid.JID, st []byte, written func(bool)) {
	entry, ok := l.sessionOf(full.View())
	if !ok {
		if written != nil {
			l.later(func() { written(false) })
		}
		return
	}
	s := xep.SessionRef{JID: full, ID: uint64(entry.Mailbox)}
	var taken func(int, bool)
	if written != nil {
		taken = func(n int, _ bool) { written(n == 1) }
	}
	l.DeliverTo(s, [][]byte{append([]byte(nil), st...)}, taken)
}

// DeliverTo implements xep.Host.
func (l *loop) DeliverTo(s xep.SessionRef, stanzas [][]byte, taken func(int, bool)) {
	l.postControl(routing.Mailbox(s.ID), &parcel{stanzas: stanzas, home: l.index, taken: taken})
}

// later runs f on this loop after the current handler.
func (l *loop) later(f func()) {
	b := l.batchFor(l.index)
	b.entries = append(b.entries, entry{kind: entryControl, ctl: call(f)})
}

// call is a function to be called on a loop.
type call func()

func (f call) apply(*loop, *conn) { f() }

// Multicast implements xep.Host.
func (l *loop) Multicast(st []byte, toAt int, to []jid.JID) {
	s := l.engine.pool.share()
	s.data = append(s.data, st...)
	s.toAt = toAt
	var d *routing.Domain
	domain := ""
	for _, bare := range to {
		if name := bare.Domain(); name != domain || d == nil { // most have that of the one before
			domain, d = name, l.engine.table.Domain(name)
		}
		l.castTo(s, d, bare)
	}
	l.engine.pool.release(s)
}

// castTo hands one shared presence to the available resources of one account of
// a domain; nil: it is none of ours.
func (l *loop) castTo(s *shared, d *routing.Domain, bare jid.JID) {
	if d == nil {
		l.Route(s.addressed(bare.String()))
		return
	}
	var buf [4]routing.Entry
	entries := d.Lookup(bare.Local(), buf[:0])
	for i := range entries {
		e := &entries[i]
		switch {
		case !e.Available:
		case xep.Mark(e.Flags)&xep.MarkFilter != 0:
			l.Route(s.addressed(bare.String())) // once, through the account's filters
			return
		default:
			l.postShared(e.Mailbox, s, bare.String(), receipt{})
		}
	}
}

// Visit implements xep.Host.
func (l *loop) Visit(bare jid.JID, f func(*xep.Home)) {
	l.postHome(bare.String(), &visit{bare.Clone(), f})
}

// Disconnect implements xep.Host.
func (l *loop) Disconnect(full jid.JID, e stanza.StreamError) {
	if entry, ok := l.sessionOf(full.View()); ok {
		l.postControl(entry.Mailbox, &ending{err: e})
	}
}

// NewID implements xep.Host.
func (l *loop) NewID() string { return strings.Clone(l.LentID()) }

// LentID implements xep.Host.
func (l *loop) LentID() string {
	var b [16]byte
	binary.NativeEndian.PutUint64(b[:], l.random.Uint64())
	binary.NativeEndian.PutUint64(b[8:], l.random.Uint64())
	base64.RawURLEncoding.Encode(l.id[:], b[:])
	return unsafe.String(&l.id[0], len(l.id))
}

// newRandom makes a generator whose numbers nobody can foretell: a stream cipher with a
// key of its own. It takes a twentieth of what asking the kernel each time does.
func newRandom() *rand.ChaCha8 {
	var seed [32]byte
	_, _ = cryptorand.Read(seed[:]) // never fails: it ends the process instead
	return rand.NewChaCha8(seed)
}
