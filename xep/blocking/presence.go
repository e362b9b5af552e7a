package blocking

import (
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// hide lets the account's sessions look unavailable to those whom the entries
// just added block, §3.3.
func (x *blocking) hide(a *xep.Home, entries list) {
	x.watchers(a, entries, func(who jid.JID) {
		for _, r := range a.Resources(a.JID(), nil) {
			if from, err := a.JID().WithResource(r.Name); err == nil && r.Available {
				a.Route(presence(from, who, stanza.TypeUnavailable))
			}
		}
	})
}

// show lets those whom the entries just removed have blocked see the account
// again, §3.4: the handler of presence is asked in their name.
func (x *blocking) show(a *xep.Home, entries list) {
	x.watchers(a, entries, func(who jid.JID) {
		if !x.blocks(a, who) { // else another entry still does
			a.Route(presence(who, a.JID(), stanza.TypeProbe))
		}
	})
}

func presence(from, to jid.JID, typ stanza.Type) []byte {
	b := stanza.AppendAttr([]byte("<presence"), "from", from.String())
	b = stanza.AppendAttr(b, "to", to.String())
	return append(stanza.AppendAttr(b, "type", typ.String()), "/>"...)
}

// watchers calls f, now or later, for those whom an entry matches and who may
// see the account's presence.
func (x *blocking) watchers(a *xep.Home, entries list, f func(who jid.JID)) {
	var wide list // stand for more than one account
	for _, s := range entries {
		who, err := jid.Parse(s)
		switch {
		case err != nil: // cannot be: it was prepared
		case who.Local() == "":
			wide = append(wide, s)
		case who.Bare() != a.JID():
			a.Registry().MaySee(a, who, func(ok bool) {
				if ok {
					f(who)
				}
			})
		}
	}
	if len(wide) == 0 {
		return
	}
	a.Registry().Watchers(a, func(list []jid.JID) {
		for _, who := range list {
			if wide.matches(who) && who.Bare() != a.JID() && !entries.has(who.String()) {
				f(who)
			}
		}
	})
}
