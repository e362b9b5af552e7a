// Package ping answers pings (XEP-0199, version 2.0.1) for the server and, to
// its own sessions, for the account. Those to full addresses are the clients'
// own to answer.
package ping

import (
	"github.com/xylem-im/xylem/xep"
)

// NS is the namespace of XEP-0199 §8.1.
const NS = "urn:xmpp:ping"

// Register adds the extension.
func Register(r *xep.Registry) error {
	pong := func(_ *xep.Home, req *xep.Request) { req.Result(nil) }
	for _, t := range [...]xep.Target{xep.Server, xep.Account} {
		r.Feature(t, NS)
		h := xep.IQ{Target: t, Get: true, Namespace: NS, Name: "ping", Own: t == xep.Account, Handle: pong}
		if err := r.IQ(h); err != nil {
			return err
		}
	}
	return nil
}
