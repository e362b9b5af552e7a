// Package standard is the list of extensions of the stock server.
package standard

import (
	"github.com/xylem-im/xylem/xep"
	"github.com/xylem-im/xylem/xep/blocking"
	"github.com/xylem-im/xylem/xep/caps"
	"github.com/xylem-im/xylem/xep/carbons"
	"github.com/xylem-im/xylem/xep/contactinfo"
	"github.com/xylem-im/xylem/xep/disco"
	"github.com/xylem-im/xylem/xep/entitytime"
	"github.com/xylem-im/xylem/xep/lastactivity"
	"github.com/xylem-im/xylem/xep/offline"
	"github.com/xylem-im/xylem/xep/ping"
	"github.com/xylem-im/xylem/xep/private"
	"github.com/xylem-im/xylem/xep/register"
	"github.com/xylem-im/xylem/xep/roster"
	"github.com/xylem-im/xylem/xep/stanzaid"
	"github.com/xylem-im/xylem/xep/vcard"
	"github.com/xylem-im/xylem/xep/version"
)

// Options of the extensions that have some. The zero value is usable.
type Options struct {
	Blocking     blocking.Options
	Contacts     contactinfo.Options
	Disco        disco.Options
	LastActivity lastactivity.Options
	Offline      offline.Options
	Private      private.Options
	Roster       roster.Options
	VCard        vcard.Options
	Version      version.Options
}

// Register adds all extensions as their options say. The order is that of
// their hooks on the life of sessions: first those that decide what may pass,
// then those that deliver.
func (o Options) Register(r *xep.Registry) error {
	for _, register := range [...]func(*xep.Registry) error{
		blocking.New(o.Blocking),
		roster.New(o.Roster),
		offline.New(o.Offline),
		carbons.Register,

		caps.Register,
		contactinfo.New(o.Contacts),
		disco.New(o.Disco),
		entitytime.Register,
		lastactivity.New(o.LastActivity),
		ping.Register,
		private.New(o.Private),
		register.Register,
		stanzaid.Register,
		vcard.New(o.VCard),
		version.New(o.Version),
	} {
		if err := register(r); err != nil {
			return err
		}
	}
	return nil
}

// Register adds all extensions with their defaults.
func Register(r *xep.Registry) error { return Options{}.Register(r) }
