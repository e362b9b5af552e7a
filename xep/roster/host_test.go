package roster_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/internal/stanzatest"
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/memory"
	"github.com/xylem-im/xylem/xep"
	"github.com/xylem-im/xylem/xep/roster"
)

// host is one loop without an engine: what an extension asks of it is written
// down, and storage answers when run is called.
type host struct {
	xep.Host  // what the extension does not use is missing
	t         testing.TB
	registry  *xep.Registry
	driver    storage.Driver
	fail      error // what storage answers instead
	later     []func()
	homes     map[jid.JID]*xep.Home
	resources map[jid.JID][]xep.Resource

	routed    []string
	delivered map[jid.JID][]string
	casts     []cast
	replies   []string
	done      int // requests ended
}

type cast struct {
	stanza string
	to     []string
}

func newHost(t testing.TB, o roster.Options, more ...func(*xep.Registry) error) *host {
	h := &host{t: t, registry: xep.NewRegistry(), driver: memory.New(memory.Options{}), homes: map[jid.JID]*xep.Home{},
		resources: map[jid.JID][]xep.Resource{}, delivered: map[jid.JID][]string{}}
	for _, register := range append(more, roster.New(o)) {
		if err := register(h.registry); err != nil {
			t.Fatal(err)
		}
	}
	h.registry.Freeze()
	return h
}

// run lets storage answer until nothing is under way.
func (h *host) run() {
	for len(h.later) > 0 {
		f := h.later[0]
		h.later = h.later[1:]
		f()
	}
}

func (h *host) Exists(bare jid.JID, done func(bool, error)) {
	op := &storage.Op{Kind: storage.Get, Collection: xep.CollectionAccount, Key: []byte(xep.KeyCredentials)}
	op.Owner = bare.String()
	h.Store(op, func(res *storage.Result) {
		if xep.IsNotFound(res.Err) {
			done(false, nil)
			return
		}
		done(res.Err == nil, res.Err)
	})
}

func (h *host) home(bare string) *xep.Home {
	j := jid.MustParse(bare)
	if h.homes[j] == nil {
		h.homes[j] = xep.NewHome(&xep.Seat{Host: h}, j)
	}
	return h.homes[j]
}

// put stores an item without anybody noticing.
func (h *host) put(owner, collection, key string, value []byte) {
	h.t.Helper()
	op := &storage.Op{Kind: storage.Apply, Owner: owner}
	op.Batch.Put(collection, []byte(key), value)
	errs := make([]error, 1)
	if h.driver.Apply([]*storage.Op{op}, errs); errs[0] != nil {
		h.t.Fatal(errs[0])
	}
}

// get reads an item; nil when there is none.
func (h *host) get(owner, collection, key string) []byte {
	res := h.driver.Read(&storage.Op{Kind: storage.Get, Owner: owner, Collection: collection, Key: []byte(key)})
	if res.Err != nil {
		return nil
	}
	return res.Items[0].Value
}

// state is what is stored of a contact.
func (h *host) state(owner, contact string) roster.State {
	h.t.Helper()
	b := h.get(owner, roster.CollectionItems, contact)
	if b == nil {
		return roster.None
	}
	s, _, _, err := roster.Unstored(b)
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

// open binds a resource; it is interested in the roster.
func (h *host) open(full string, id uint64) xep.SessionRef {
	j := jid.MustParse(full)
	ref := xep.SessionRef{JID: j, ID: id}
	h.resources[j.Bare()] = append(h.resources[j.Bare()], xep.Resource{Name: j.Resource(), Marks: xep.MarkInterested})
	a := h.home(j.Bare().String())
	a.Enter(ref)
	h.registry.SessionOpened(a, ref, func() {})
	return ref
}

func (h *host) close(ref xep.SessionRef) {
	bare := ref.JID.Bare()
	h.resources[bare] = slices.DeleteFunc(h.resources[bare], func(r xep.Resource) bool { return r.Name == ref.JID.Resource() })
	a := h.home(bare.String())
	a.Leave(ref)
	h.registry.SessionClosed(a, ref)
	h.run()
}

// send is a stanza of a session; raw is as the engine stamps it, from first.
func (h *host) send(ref xep.SessionRef, raw string) {
	h.t.Helper()
	h.serve(ref.JID.Bare().String(), ref, raw)
}

// serve hands a stanza to a home and waits for the end.
func (h *host) serve(bare string, ref xep.SessionRef, raw string) {
	h.t.Helper()
	before := h.done
	h.submit(bare, ref, raw)
	h.run()
	if h.done != before+1 {
		h.t.Fatalf("%s: ended %d times", raw, h.done-before)
	}
}

// submit hands a stanza to a home.
func (h *host) submit(bare string, ref xep.SessionRef, raw string) {
	h.t.Helper()
	a, view := h.home(bare), stanzatest.Of(h.t, raw)
	from, to := jid.MustParse(string(view.From())), jid.JID{}
	if len(view.To()) > 0 {
		to = jid.MustParse(string(view.To()))
	}
	req := xep.NewRequest(view, from, to, func(b []byte) { h.replies = append(h.replies, string(b)) }, func() { h.done++ })
	req.Own, req.Session = from.Bare() == a.JID(), ref
	if view.Kind == stanza.KindIQ {
		h.registry.ServeIQ(xep.Account, a, req)
	} else {
		h.registry.ServePresence(a, req)
	}
}

// set is a roster set with one item.
func set(ref xep.SessionRef, item string) string {
	return "<iq from='" + ref.JID.String() + "' type='set' id='s'><query xmlns='jabber:iq:roster'>" + item + "</query></iq>"
}

// get is a roster get.
func get(ref xep.SessionRef, ver string) string {
	return "<iq from='" + ref.JID.String() + "' type='get' id='g'><query xmlns='jabber:iq:roster' ver='" + ver + "'/></iq>"
}

// forget empties what was written down.
func (h *host) forget() {
	h.routed, h.casts, h.replies = nil, nil, nil
	clear(h.delivered)
}

// has tells whether one of list contains all parts.
func has(list []string, parts ...string) bool {
	return slices.ContainsFunc(list, func(s string) bool {
		return !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(s, p) })
	})
}

// told lists whom a broadcast that contains part went to.
func (h *host) told(part string) (to []string) {
	for _, c := range h.casts {
		if strings.Contains(c.stanza, part) {
			to = append(to, c.to...)
		}
	}
	slices.Sort(to)
	return to
}

func (h *host) Now() int64                { return 1 }
func (h *host) Registry() *xep.Registry   { return h.registry }
func (h *host) Serves(domain string) bool { return domain != "remote.example" }
func (h *host) NewID() string             { return "abcdefghijklmnopqrstuv" }
func (h *host) LentID() string            { return h.NewID() }

func (h *host) Store(op *storage.Op, done func(*storage.Result)) {
	h.later = append(h.later, func() {
		res := storage.Result{Err: h.fail}
		switch {
		case h.fail != nil:
		case op.Kind == storage.Apply:
			errs := make([]error, 1)
			h.driver.Apply([]*storage.Op{op}, errs)
			res.Err = errs[0]
		default:
			res = h.driver.Read(op)
		}
		done(&res)
	})
}

func (h *host) Resources(bare jid.JID, dst []xep.Resource) []xep.Resource {
	return append(dst, h.resources[bare]...)
}

func (h *host) SetPresence(s xep.SessionRef, available bool, priority int8) bool {
	list := h.resources[s.JID.Bare()]
	for i := range list {
		if list[i].Name == s.JID.Resource() {
			list[i].Available, list[i].Priority = available, priority
			return true
		}
	}
	return false
}

func (h *host) Mark(j jid.JID, set, clear xep.Mark) {
	list := h.resources[j.Bare()]
	for i := range list {
		if j.Resource() == "" || list[i].Name == j.Resource() {
			list[i].Marks = list[i].Marks&^clear | set
		}
	}
}

func (h *host) Route(st []byte) { h.routed = append(h.routed, string(st)) }

func (h *host) Deliver(full jid.JID, st []byte, _ func(bool)) {
	h.delivered[full] = append(h.delivered[full], string(st))
}

func (h *host) Multicast(st []byte, toAt int, to []jid.JID) {
	c := cast{stanza: fmt.Sprintf("%s{to}%s", st[:toAt], st[toAt:])}
	for _, j := range to {
		c.to = append(c.to, j.String())
	}
	h.casts = append(h.casts, c)
}

func (h *host) Visit(bare jid.JID, f func(*xep.Home)) {
	h.later = append(h.later, func() { f(h.home(bare.String())) })
}
