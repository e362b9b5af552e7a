package roster

import (
	"errors"

	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// NS is the namespace of roster management, RFC 6121 §2.
const NS = "jabber:iq:roster"

// Options bounds what an account may take. Zero fields mean the default.
type Options struct {
	Items         int // contacts in a roster; more are refused with resource-constraint. Default 10,000
	NameBytes     int // bytes of a contact's name or of a group's; longer ones are not-acceptable. Default 1,023
	Groups        int // groups of one contact; more are not-acceptable. Default 64
	Requests      int // subscription requests that wait for an answer; more are refused with resource-constraint. Default 1,000
	RequestBytes  int // bytes of such a request; of longer ones only the address is kept. Default 4,096
	ChangeLog     int // versions back to which only differences are sent, RFC 6121 §2.6; older ones get all. Default 256
	Directed      int // addresses that one session may have sent directed presence to; more are refused with resource-constraint. Default 1,000
	PresenceBytes int // bytes of a presence that the server keeps and broadcasts; longer ones are refused with policy-violation. Default 16,384
	Waiting       int // changes to one account that wait for the store, of others and as many of its own sessions; more are refused with resource-constraint. Default 4,096
	WaitingBytes  int // bytes of the stanzas that ask for them, likewise; the same outcome. Default 1 MiB

	// GuardRequests keeps IQs of type get and set from resources whose presence the
	// sender may not see: it gets service-unavailable, as if the resource were not
	// there (RFC 6121 §8.5.3.1). Off by default: who knows a full address may ask,
	// as clients that exchange files or calls with strangers expect.
	GuardRequests bool
}

func (o Options) withDefaults() Options {
	set := func(field *int, value int) {
		if *field <= 0 {
			*field = value
		}
	}
	set(&o.Items, 10_000)
	set(&o.NameBytes, 1023)
	set(&o.Groups, 64)
	set(&o.Requests, 1000)
	set(&o.RequestBytes, 4096)
	set(&o.ChangeLog, 256)
	set(&o.Directed, 1000)
	set(&o.PresenceBytes, 16<<10)
	set(&o.Waiting, 4096)
	set(&o.WaitingBytes, 1<<20)
	return o
}

// New makes a Register function.
func New(o Options) func(*xep.Registry) error {
	return func(r *xep.Registry) error {
		x := &extension{limits: o.withDefaults(), slot: r.State()}
		r.StreamFeature("<ver xmlns='" + stanza.NSRosterVr + "'/>")
		r.StreamFeature("<sub xmlns='" + stanza.NSPreAppr + "'/>")
		r.Feature(xep.Server, NS)
		r.Session(xep.Session{Opened: x.opened, Closed: x.closed, Name: "roster", Save: x.save, Restore: x.restore})
		r.Deleted(x.deleted)
		if o.GuardRequests {
			r.Guard(xep.Guard{Condition: stanza.ServiceUnavailable})
		}
		return errors.Join(
			r.IQ(xep.IQ{Target: xep.Account, Get: true, Set: true, Namespace: NS, Name: "query", Handle: x.iq}),
			r.Presence(x.presence),
			r.Access(x.maySee),
			r.Restamps(x.restamp),
			r.WatchersAre(x.watchers))
	}
}

// extension is what all accounts share.
type extension struct {
	limits Options
	slot   int // in every Home
}
