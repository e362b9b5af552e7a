package routing_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/stanza"
)

func TestDomainsComeAndGo(t *testing.T) {
	table := routing.NewTable()
	d, added := table.AddDomain("b.example")
	if !added || d.Name() != "b.example" {
		t.Fatalf("added %v, %q", added, d.Name())
	}
	if same, added := table.AddDomain("b.example"); added || same != d {
		t.Error("added twice")
	}
	table.AddDomain("a.example")
	if got := table.Domains(); !slices.Equal(got, []string{"a.example", "b.example"}) || table.Len() != 2 {
		t.Errorf("domains %q, length %d", got, table.Len())
	}
	d.Bind("alice", "r", 1)
	if removed, ok := table.RemoveDomain("b.example"); !ok || removed != d || !d.Removed() {
		t.Errorf("removed %v, %v, %v", removed, ok, d.Removed())
	}
	if table.Domain("b.example") != nil || d.Len() != 1 {
		t.Error("still served, or its sessions are lost")
	}
	if _, ok := table.RemoveDomain("b.example"); ok {
		t.Error("removed twice")
	}
	if again, added := table.AddDomain("b.example"); !added || again == d || again.Removed() || again.Len() != 0 {
		t.Error("a domain that came back is the old one")
	}
}

func TestDomainNameMayBeBorrowed(t *testing.T) {
	table, scratch := routing.NewTable(), []byte(nil)
	name := []byte("a.example")
	v, err := jid.ParseView(name, &scratch)
	if err != nil {
		t.Fatal(err)
	}
	table.AddDomain(v.Domain())
	copy(name, "b")
	if table.Domain("a.example") == nil || table.Domain("b.example") != nil {
		t.Error("the table kept the borrowed bytes")
	}
}

func newDomain() *routing.Domain {
	d, _ := routing.NewTable().AddDomain("example.com")
	return d
}

func TestRFC6120_7_7_2_2_NewSessionWins(t *testing.T) {
	d := newDomain()
	if old := d.Bind("alice", "phone", 1); old != 0 {
		t.Errorf("nothing to replace, got %d", old)
	}
	d.SetPresence("alice", "phone", 1, true, 5)
	d.SetFlags("alice", "phone", 1, routing.FlagCarbons, 0)
	if old := d.Bind("alice", "phone", 2); old != 1 || d.Len() != 1 {
		t.Errorf("replaced %d, length %d", old, d.Len())
	}
	if e, ok := d.LookupFull("alice", "phone"); !ok || e != (routing.Entry{Resource: "phone", Mailbox: 2}) {
		t.Errorf("the new session is %+v", e)
	}
	if d.Unbind("alice", "phone", 1) || d.SetPresence("alice", "phone", 1, true, 9) ||
		d.SetFlags("alice", "phone", 1, routing.FlagCarbons, 0) {
		t.Error("the old session changed the new one's entry")
	}
	if !d.Unbind("alice", "phone", 2) || d.Len() != 0 || d.Lookup("alice", nil) != nil {
		t.Error("the new session could not leave")
	}
}

func TestLookup(t *testing.T) {
	d := newDomain()
	if d.Lookup("alice", nil) != nil || d.Unbind("alice", "a", 1) || d.SetPresence("alice", "a", 1, true, 0) {
		t.Error("an empty domain has sessions")
	}
	d.Bind("alice", "a", 1)
	d.Bind("alice", "b", 2)
	d.Bind("bob", "a", 3)
	before := d.Lookup("alice", nil)
	d.Bind("alice", "c", 4)
	d.SetPresence("alice", "b", 2, true, -7)
	d.SetFlags("alice", "b", 2, routing.FlagCarbons|routing.FlagInterested, 0)
	d.SetFlags("alice", "b", 2, 0, routing.FlagCarbons)
	d.Unbind("alice", "a", 1)
	after := d.Lookup("alice", nil)
	const several = routing.FlagSeveral
	if want := []routing.Entry{{Resource: "a", Mailbox: 1, Marks: routing.Marks{Flags: several}},
		{Resource: "b", Mailbox: 2, Marks: routing.Marks{Flags: several}}}; !slices.Equal(before, want) {
		t.Errorf("the snapshot changed to %+v", before)
	}
	if want := []routing.Entry{
		{Resource: "b", Mailbox: 2, Marks: routing.Marks{Available: true, Priority: -7, Flags: routing.FlagInterested | several}},
		{Resource: "c", Mailbox: 4, Marks: routing.Marks{Flags: several}},
	}; !slices.Equal(after, want) {
		t.Errorf("got %+v", after)
	}
	for _, resource := range []string{"a", "x", "", "bb", strings.Repeat("b", 12), strings.Repeat("b", 20)} {
		if e, ok := d.LookupFull("alice", resource); ok {
			t.Errorf("%q: found %+v", resource, e)
		}
	}
	if d.Len() != 3 {
		t.Errorf("length %d", d.Len())
	}
	d.SetPresence("alice", "b", 2, false, 9)
	if e, _ := d.LookupFull("alice", "b"); e.Available || e.Priority != 0 {
		t.Errorf("unavailable, but %+v", e)
	}
}

func TestKeptStringsAreCopies(t *testing.T) {
	d := newDomain()
	buf, scratch := []byte("alice@a/phone"), []byte(nil)
	v, err := jid.ParseView(buf, &scratch)
	if err != nil {
		t.Fatal(err)
	}
	d.Bind(v.Local(), v.Resource(), 1)
	d.SetPresence(v.Local(), v.Resource(), 1, true, 1)
	copy(buf, "xxxxx@x/xxxxx")
	if e, ok := d.LookupFull("alice", "phone"); !ok || e.Resource != "phone" || e.Priority != 1 {
		t.Errorf("after the bytes changed: %+v, %v", e, ok)
	}
	for name := range d.All() {
		if name != "alice" {
			t.Errorf("account %q", name)
		}
	}
}

// TestNamesOfAllLengths goes through every size of an account and of its list.
func TestNamesOfAllLengths(t *testing.T) {
	d := newDomain()
	for _, n := range []int{1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 15, 16, 17, 18, 19, 20, 21, 27, 28, 43, 44, 170, 180, 500, jid.MaxPart} {
		local := strings.Repeat("l", n)
		for i, end := range []string{"a", "b", "c", "d", "e"} {
			resource := strings.Repeat("r", n-1) + end
			if old := d.Bind(local, resource, routing.Mailbox(i+1)); old != 0 {
				t.Fatalf("%d bytes: replaced %d", n, old)
			}
			d.SetPresence(local, resource, routing.Mailbox(i+1), true, int8(i))
		}
		for i, end := range []string{"a", "b", "c", "d", "e"} {
			resource := strings.Repeat("r", n-1) + end
			want := routing.Entry{Resource: resource, Mailbox: routing.Mailbox(i + 1), Marks: routing.Marks{Available: true, Priority: int8(i)}}
			if end != "e" {
				want.Flags = routing.FlagSeveral
			}
			if e, ok := d.LookupFull(local, resource); !ok || e != want {
				t.Errorf("%d bytes: %+v, %v", n, e, ok)
			}
			if left := len(d.Lookup(local, nil)); left != 5-i {
				t.Errorf("%d bytes: %d sessions, want %d", n, left, 5-i)
			}
			if !d.Unbind(local, resource, want.Mailbox) {
				t.Errorf("%d bytes: could not leave", n)
			}
		}
	}
	if d.Len() != 0 {
		t.Errorf("length %d", d.Len())
	}
}

// TestLikeAPlainMap does random things to many accounts and compares with a
// map: the table grows, is split, gets holes and shrinks.
func TestLikeAPlainMap(t *testing.T) {
	d, plain := newDomain(), map[string]routing.Mailbox{}
	rnd := rand.New(rand.NewPCG(7, 8))
	compare := func() {
		n := 0
		for local, entries := range d.All() {
			for _, e := range entries {
				if n++; plain[local+"/"+e.Resource] != e.Mailbox {
					t.Fatalf("%s/%s is %d", local, e.Resource, e.Mailbox)
				}
			}
		}
		if n != len(plain) || d.Len() != n {
			t.Fatalf("%d sessions, length %d, want %d", n, d.Len(), len(plain))
		}
		for key, mb := range plain {
			local, resource, _ := strings.Cut(key, "/")
			if e, ok := d.LookupFull(local, resource); !ok || e.Mailbox != mb {
				t.Fatalf("%s is %+v, %v", key, e, ok)
			}
		}
	}
	for round, binds := range []int{90, 50, 90, 10, 60, 0} { // percent
		for i := range 12_000 {
			local, resource := fmt.Sprint("user", rnd.IntN(6_000)), fmt.Sprint(rnd.IntN(3))
			key, mb := local+"/"+resource, routing.Mailbox(round*100_000+i+1)
			if rnd.IntN(100) < binds {
				if old := d.Bind(local, resource, mb); old != plain[key] {
					t.Fatalf("%s replaced %d, want %d", key, old, plain[key])
				}
				plain[key] = mb
				continue
			}
			old, bound := plain[key]
			if d.Unbind(local, resource, old) != bound {
				t.Fatalf("%s: bound is not %v", key, bound)
			}
			delete(plain, key)
		}
		compare()
	}
	for key, mb := range plain {
		local, resource, _ := strings.Cut(key, "/")
		d.Unbind(local, resource, mb)
		delete(plain, key)
	}
	compare()
}

func TestAllMeetsEverySessionOnce(t *testing.T) {
	d := newDomain()
	const n = 1000
	for i := range n {
		d.Bind(fmt.Sprint("user", i/2), fmt.Sprint("r", i%2), routing.Mailbox(i+1))
	}
	met := map[routing.Mailbox]int{}
	for _, entries := range d.All() {
		for _, e := range entries {
			met[e.Mailbox]++
		}
	}
	if len(met) != n {
		t.Errorf("met %d of %d", len(met), n)
	}
	for mb, times := range met {
		if times != 1 {
			t.Errorf("mailbox %d met %d times", mb, times)
		}
	}
	for range newDomain().All() {
		t.Error("an empty domain has sessions")
	}
}

// TestConcurrentUse binds and unbinds the same few resources from several
// goroutines while others look them up: what is found must be whole, and the
// count must be right in the end.
func TestConcurrentUse(t *testing.T) {
	d := newDomain()
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			rnd := rand.New(rand.NewPCG(1, uint64(g)))
			for i := range 5000 {
				local, resource := fmt.Sprint("user", rnd.IntN(5)), fmt.Sprint("r", rnd.IntN(3))
				mb := routing.Mailbox(g+1)<<32 | routing.Mailbox(i)
				d.Bind(local, resource, mb)
				for _, e := range d.Lookup(local, nil) {
					if e.Mailbox == 0 || !strings.HasPrefix(e.Resource, "r") {
						t.Errorf("found %+v", e)
					}
				}
				d.SetPresence(local, resource, mb, true, int8(g))
				if rnd.IntN(2) == 0 {
					d.Unbind(local, resource, mb)
				}
			}
		}()
	}
	wg.Wait()
	n := 0
	for _, entries := range d.All() {
		n += len(entries)
	}
	if n != d.Len() {
		t.Errorf("%d sessions, length %d", n, d.Len())
	}
}

// TestReadersFindWhatStays looks up sessions that stay, and walks over them,
// while the table grows, is split and loses others around them.
func TestReadersFindWhatStays(t *testing.T) {
	const stay, come = 500, 4000
	d := newDomain()
	for i := range stay {
		d.Bind(fmt.Sprint("stay", i), "r", routing.Mailbox(i+1))
	}
	var writers, readers sync.WaitGroup
	var done atomic.Bool
	for g := range 2 {
		writers.Add(1)
		go func() {
			defer writers.Done()
			for range 2 {
				for i := range come {
					d.Bind(fmt.Sprint("come", g, i), "r", 1)
				}
				for i := range come {
					d.Unbind(fmt.Sprint("come", g, i), "r", 1)
				}
			}
		}()
	}
	readers.Add(2)
	go func() {
		defer readers.Done()
		for i := 0; !done.Load(); i = (i + 1) % stay {
			if e, ok := d.LookupFull(fmt.Sprint("stay", i), "r"); !ok || e.Mailbox != routing.Mailbox(i+1) {
				t.Errorf("session %d is %+v, %v", i, e, ok)
				return
			}
		}
	}()
	go func() {
		defer readers.Done()
		for !done.Load() {
			met := 0
			for local := range d.All() {
				if strings.HasPrefix(local, "stay") {
					met++
				}
			}
			if met != stay {
				t.Errorf("a walk met %d of %d", met, stay)
				return
			}
		}
	}()
	writers.Wait()
	done.Store(true)
	readers.Wait()
	if d.Len() != stay {
		t.Errorf("length %d", d.Len())
	}
}

// TestBindMeetsRemoval holds what Removed is for: a session is either met by
// the walk after the removal or finds its domain removed.
func TestBindMeetsRemoval(t *testing.T) {
	for range 200 {
		table := routing.NewTable()
		d, _ := table.AddDomain("a.example")
		seen := make(chan bool)
		go func() {
			d.Bind("alice", "r", 1)
			seen <- d.Removed()
		}()
		table.RemoveDomain("a.example")
		met := false
		for range d.All() {
			met = true
		}
		if removed := <-seen; !removed && !met {
			t.Fatal("a session outlived its domain unseen")
		}
	}
}

func TestReadsDoNotAllocate(t *testing.T) {
	table := rulesTable()
	d := table.Domain("example.com")
	full, bare := jid.MustParse("several@example.com/low").View(), jid.MustParse("several@example.com").View()
	targets := make([]routing.Entry, 0, 8)
	for name, read := range map[string]func(){
		"Lookup":     func() { d.Lookup(full.Local(), targets[:0]) },
		"LookupFull": func() { d.LookupFull(full.Local(), full.Resource()) },
		"Route full": func() { table.Route(full, message, stanza.TypeChat, targets[:0]) },
		"Route bare": func() { table.Route(bare, message, stanza.TypeHeadline, targets[:0]) },
	} {
		if n := testing.AllocsPerRun(100, read); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// TestChanges: what changes an answer of the table is counted, and nothing else is.
func TestChanges(t *testing.T) {
	table := routing.NewTable()
	d, _ := table.AddDomain("example.com")
	d.Bind("juliet", "phone", 1)
	for _, c := range []struct {
		name    string
		act     func()
		changes bool
	}{
		{"bind", func() { d.Bind("juliet", "balcony", 2) }, true},
		{"bind another account", func() { d.Bind("romeo", "orchard", 3) }, true},
		{"presence", func() { d.SetPresence("juliet", "phone", 1, true, 5) }, true},
		{"flags", func() { d.SetFlags("juliet", "phone", 1, 4, 0) }, true},
		{"replace", func() { d.Bind("juliet", "balcony", 4) }, true},
		{"unbind", func() { d.Unbind("juliet", "balcony", 4) }, true},
		{"unbind the last", func() { d.Unbind("juliet", "phone", 1) }, true},
		{"add a domain", func() { table.AddDomain("example.org") }, true},
		{"remove a domain", func() { table.RemoveDomain("example.org") }, true},
		{"remove none", func() { table.RemoveDomain("example.org") }, false},
		{"look up", func() {
			table.Route(jid.MustParse("romeo@example.com").View(), stanza.KindMessage, stanza.TypeChat, nil)
			d.LookupFull("romeo", "orchard")
			for range d.All() {
				break
			}
		}, false},
	} {
		before := table.Changes()
		c.act()
		if got := table.Changes() != before; got != c.changes {
			t.Errorf("%s: counted: %v, want %v", c.name, got, c.changes)
		}
	}
}

// FlagSeveral is on each session of an account exactly while it has several, whatever
// else is changed.
func TestFlagSeveral(t *testing.T) {
	const other, several = routing.FlagCarbons, routing.FlagSeveral
	d := newDomain()
	check := func(step string, want ...string) {
		t.Helper()
		var got []string
		for _, e := range d.Lookup("alice", nil) {
			got = append(got, fmt.Sprintf("%s %x", e.Resource, e.Flags))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", step, got, want)
		}
	}
	flags := func(f routing.Flags) string { return fmt.Sprintf("%x", f) }
	d.Bind("alice", "a", 1)
	check("one", "a "+flags(0))
	d.SetFlags("alice", "a", 1, other|several, 0)
	check("set by hand", "a "+flags(other))
	if _, got := d.BindWith("alice", "b", 2, 0, 0); got != several {
		t.Errorf("the second has %x", got)
	}
	check("two", "a "+flags(other|several), "b "+flags(several))
	d.SetFlags("alice", "a", 1, 0, other|several)
	check("cleared by hand", "a "+flags(several), "b "+flags(several))
	if _, got := d.BindWith("alice", "b", 3, 0, other); got != other|several {
		t.Errorf("the one that replaces the second has %x", got)
	}
	d.Bind("alice", "c", 4)
	d.Unbind("alice", "a", 1)
	check("two again", "b "+flags(other|several), "c "+flags(several))
	d.Unbind("alice", "b", 2) // replaced long ago
	check("still two", "b "+flags(other|several), "c "+flags(several))
	d.Unbind("alice", "c", 4)
	check("one again", "b "+flags(other))
	if _, got := d.BindWith("alice", "b", 5, 0, 0); got != 0 {
		t.Errorf("the one that replaces the only one has %x", got)
	}
}
