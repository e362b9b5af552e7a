package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/xep"
)

// When the engine stops, sessions that can be resumed are detached and saved:
//
//	session's loop  copies the state and what is unacknowledged, once nothing of
//	                the session is under way any more
//	home            takes it out of the routing table; has the messages stored that
//	                are not (xep.Keeper), asks the extensions for what they know of the
//	                session, and writes the record
//	session's loop  forgets the session in silence: nobody hears that it has ended
//
// What cannot be saved ends as any session does: its stanzas go back.

// Errors that end sessions when the engine stops.
var (
	// ErrSaved: the session is stored, and can be resumed after the restart.
	ErrSaved = errors.New("engine: session is stored for the time after the restart")
	// ErrNotSaved: it could not be stored in time.
	ErrNotSaved = errors.New("engine: session could not be stored")
)

const (
	// saveWindow is how many sessions a loop saves at a time.
	saveWindow = 128
	// savedBytes bounds the stanzas of one saved session; more is not saved.
	savedBytes = 4 << 20
	// partBytes is how much of them one item of the store holds; a stanza may be
	// larger, up to what the store takes.
	partBytes = 256 << 10
)

// keepsSessions tells whether sessions can survive a restart.
func (e *Engine) keepsSessions() bool {
	return e.pump != nil && e.registry.Keeps() != nil && e.limits.ResumeWindow > 0
}

// saving is a detached session on its way into the store.
type saving struct {
	image image
}

// image is what is known of a session at its loop.
type image struct {
	session xep.SessionRef
	id      string // SM-ID
	state   []byte // see session.AppendState
	left    int64  // nanoseconds until its window ends
	marks   xep.Mark
	stanzas []savedStanza
	company []byte            // who else got them, see companies.append
	saved   map[string][]byte // by the extensions
}

type savedStanza struct {
	session.Unacked
	number uint64
	kept   bool // handed to the keeper already
	receipt
	place xep.Place // Number 0: none
}

// saveSome begins to save detached sessions of this loop, as many as may be
// under way at a time.
func (l *loop) saveSome() {
	for i := range l.slots.table {
		if l.savingNow >= saveWindow {
			return
		}
		if c := l.slots.table[i].conn; c != nil && c.maySave() {
			c.save()
		}
	}
}

// maySave tells whether nothing of the session is under way. What other servers
// have not acknowledged before their streams ended is not: the client sends it
// again.
func (c *conn) maySave() bool {
	return c.phase == phaseDetached && c.entered && !c.saving &&
		!c.session.Waiting() && (c.session.Held() == 0 || c.loop.engine.parted.Load())
}

// save hands a detached session to its home.
func (c *conn) save() {
	l := c.loop
	j := c.session.JID()
	img := image{session: c.sessionRef(), id: c.session.ResumeID(), state: c.session.AppendState(nil), left: max(c.lingerTo-l.now, 0)}
	if d := l.engine.table.Domain(j.Domain()); d != nil {
		if e, ok := d.LookupFull(j.Local(), j.Resource()); ok {
			img.marks = xep.Mark(e.Flags)
		}
	}
	number := c.session.Acked()
	for u := range c.session.Unacked {
		number++
		a := c.awaited(number)
		u.Stanza = slices.Clone(u.Stanza)
		img.stanzas = append(img.stanzas, savedStanza{Unacked: u, number: number, kept: a.kept, receipt: a.receipt})
	}
	img.company = c.companies().append(nil, c.mailbox(), number-uint64(len(img.stanzas)))
	c.more().saving, c.resumer = true, nil // who wanted to resume it has gone
	l.savingNow++
	l.postHome(j.Bare().String(), &saving{image: img})
}

func (s *saving) apply(l *loop, _ *conn) {
	img := &s.image
	j := img.session.JID
	l.unbind(j, routing.Mailbox(img.session.ID)) // what comes from now on is stored
	a := l.home(j.Bare())
	a.Prepared(func(err error) {
		if err != nil {
			s.end(l, err)
			return
		}
		s.keepMessages(l, a)
	})
}

// keepMessages has those stored that are of a kind that is, so that they are
// safe whatever becomes of the session.
func (s *saving) keepMessages(l *loop, a *xep.Home) {
	keeper := l.engine.registry.Keeps()
	var page []uint64
	for i := range s.image.stanzas {
		st := &s.image.stanzas[i]
		switch {
		case st.Delivery&session.Kept != 0:
			page = append(page, st.number)
		case !st.kept:
			s.keep(l, a, keeper, st)
		}
	}
	keeper.Places(a, s.image.session, page, func(places []xep.Place) {
		for _, p := range places {
			i, ok := slices.BinarySearchFunc(s.image.stanzas, p.Serial, func(st savedStanza, n uint64) int {
				return int(int64(st.number - n))
			})
			if ok {
				s.image.stanzas[i].place = p
			}
		}
		s.write(l, a)
	})
}

func (s *saving) keep(l *loop, a *xep.Home, keeper *xep.Keeper, st *savedStanza) {
	rc := st.receipt
	req, to, ok := l.rawRequest(st.Stanza, st.At, &rc, func() {})
	if !ok || !isLasting(req.View) || !keeper.Stores(req.View) || isCarbon(req) {
		return
	}
	var fw stanza.Forward
	l.identify(req.View, to.Bare(), &fw)
	req.StanzaID = strings.Clone(fw.ID)
	keeper.Keep(a, s.image.session, xep.Kept{Req: req, Serial: st.number, Failed: func(stanza.Error) {}})
}

// write stores the record: its parts first, and last what makes it one.
func (s *saving) write(l *loop, a *xep.Home) {
	s.image.saved = l.engine.registry.SaveSession(a, s.image.session)
	s.image.saved[savedCompany] = s.image.company
	ops, err := s.image.record(l.now)
	if err != nil {
		s.end(l, err)
		return
	}
	var next func(i int)
	next = func(i int) {
		a.Ask(&ops[i], func(res *storage.Result) {
			if res.Err != nil || i+1 == len(ops) {
				s.end(l, res.Err)
				return
			}
			next(i + 1)
		})
	}
	next(0)
}

// end tells the session's loop what came of it.
func (s *saving) end(l *loop, err error) {
	l.postControl(routing.Mailbox(s.image.session.ID), &savedTo{s.image.session, err})
}

// savedTo is the end of a session that was to be saved.
type savedTo struct {
	session xep.SessionRef
	err     error
}

func (s *savedTo) apply(l *loop, c *conn) {
	l.savingNow--
	if c == nil || !c.saving || c.phase != phaseDetached {
		return
	}
	c.more().saving = false
	if s.err != nil {
		l.engine.log.Error("session not stored; what it has not acknowledged goes back", "jid", s.session.JID.String(), "error", s.err)
		c.expire(fmt.Errorf("%w: %w", ErrNotSaved, s.err))
		return
	}
	c.entered = false
	l.stats.sessions.Add(-1)
	l.engine.savedSessions.Add(1)
	l.engine.log.Debug("session stored", "jid", s.session.JID.String())
	if hook := l.engine.cfg.Hooks.SessionClosed; hook != nil {
		hook(c.info(), ErrSaved)
	}
	c.freeReceipts()
	c.dispose()
}

// collectionSession holds the sessions of an account that wait for a restart,
// each under its SM-ID: the record, and below it the parts with its stanzas.
const collectionSession = "session"

// savedCompany is what a record calls the companies of a session: no extension is
// called so.
const savedCompany = "/company"

// recordVersion is the first byte of a record.
const recordVersion = 1

// errSession: a session that cannot be written as a record.
var errSession = errors.New("engine: session is too large to be stored")

// record renders the session as operations, to be done in order.
func (img *image) record(now int64) (ops []storage.Op, err error) {
	var parts [][]byte
	var part []byte
	total := 0
	for i := range img.stanzas {
		st := &img.stanzas[i]
		if total += len(st.Stanza); total > savedBytes || len(st.Stanza) > storage.MaxValueBytes-64 {
			return nil, errSession
		}
		if len(part) > 0 && len(part)+len(st.Stanza) > partBytes {
			parts, part = append(parts, part), nil
		}
		part = st.append(part)
	}
	if len(part) > 0 {
		parts = append(parts, part)
	}
	for i, p := range parts {
		op := storage.Op{Kind: storage.Apply, Durable: true}
		op.Batch.Put(collectionSession, partKey(img.id, i), p)
		ops = append(ops, op)
	}
	b := []byte{recordVersion}
	b = binary.BigEndian.AppendUint64(b, uint64(now))
	b = binary.AppendVarint(b, img.left)
	b = binary.AppendUvarint(b, uint64(img.marks))
	b = binary.AppendUvarint(b, uint64(len(parts)))
	b = appendField(b, img.state)
	for _, name := range slices.Sorted(maps.Keys(img.saved)) {
		b = appendField(appendField(b, []byte(name)), img.saved[name])
	}
	if len(b) > storage.MaxValueBytes {
		return nil, errSession
	}
	op := storage.Op{Kind: storage.Apply, Durable: true}
	op.Batch.Put(collectionSession, []byte(img.id), b)
	return append(ops, op), nil
}

func partKey(id string, i int) []byte {
	return binary.BigEndian.AppendUint16([]byte(id+"/"), uint16(i))
}

// append renders a stanza.
func (st *savedStanza) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(st.At))
	b = append(b, byte(st.Delivery))
	b = binary.AppendUvarint(b, st.place.Number)
	b = binary.AppendUvarint(b, st.place.Size)
	return appendField(b, st.Stanza)
}

func appendField(b, field []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(field))), field...)
}

// suspend closes the stream of a session that is to be resumed after the
// restart.
func (c *conn) suspend() {
	l := c.loop
	shell := c.shed()
	c.detach()
	out := l.begin()
	out.Bytes = stanza.StreamError{Condition: stanza.StreamSystemShutdown}.Append(out.Bytes)
	out.Bytes = append(out.Bytes, "</stream:stream>"...)
	shell.write(out.Bytes)
	l.took(out)
	shell.finish()
}

// saveAll stores the detached sessions until none is left or there is no time
// any more; the others end.
func (e *Engine) saveAll(patience time.Duration) {
	until, half := time.After(patience), time.Now().Add(patience/2)
	for e.detached.Load() > 0 {
		e.parted.Store(time.Now().After(half))
		for i := range e.loops {
			e.sendLoop(uint32(i), saveSome{})
		}
		select {
		case <-until:
			e.log.Error("sessions not stored in time; what they have not acknowledged goes back", "sessions", e.detached.Load())
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
	if n := e.savedSessions.Load(); n > 0 {
		e.log.Info("sessions stored", "sessions", n)
	}
}

type saveSome struct{}

func (saveSome) apply(l *loop, _ *conn) { l.saveSome() }

// bareOf is the account of a record's owner.
func bareOf(owner []byte) (jid.JID, bool) {
	j, err := jid.ParseBytes(owner)
	return j, err == nil && j.Local() != "" && j.Resource() == ""
}
