package offline_test

import (
	"strconv"

	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// presence is as much of an extension for presence as these tests need:
// availability and priority, told to nobody.
func presence(r *xep.Registry) error {
	slot := r.State()
	return r.Presence(func(a *xep.Home, req *xep.Request) {
		defer req.Done()
		if !req.Own || !req.To.IsZero() {
			return
		}
		known, _ := a.State(slot).(map[uint64]xep.Resource)
		if known == nil {
			known = map[uint64]xep.Resource{}
			a.SetState(slot, known)
		}
		now := xep.Resource{Name: req.From.Resource(), Available: req.View.Type == stanza.TypeNone}
		if e := req.View.Frame.Element().Child(stanza.NSClient, "priority"); !e.IsZero() {
			n, _ := strconv.ParseInt(string(e.AppendText(nil)), 10, 8)
			now.Priority = int8(n)
		}
		before := known[req.Session.ID]
		known[req.Session.ID] = now
		if a.SetPresence(req.Session, now.Available, now.Priority) {
			a.Registry().SessionAvailable(a, req.Session, before, now)
		}
	})
}
