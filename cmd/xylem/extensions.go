package main

import (
	"github.com/xylem-im/xylem/xep/blocking"
	"github.com/xylem-im/xylem/xep/contactinfo"
	"github.com/xylem-im/xylem/xep/offline"
	"github.com/xylem-im/xylem/xep/private"
	"github.com/xylem-im/xylem/xep/roster"
	"github.com/xylem-im/xylem/xep/standard"
	"github.com/xylem-im/xylem/xep/vcard"
)

// defaultExtensions repeats the defaults that the extensions document, as
// defaultConfig does for the engine.
func defaultExtensions() standard.Options {
	none := []string{}
	return standard.Options{
		Contacts: contactinfo.Options{Abuse: none, Admin: none, Feedback: none, Sales: none, Security: none, Status: none, Support: none},
		Blocking: blocking.Options{MaxItems: 1000},
		Offline:  offline.Options{MaxMessages: 1000, MaxBytes: 8 << 20},
		Private:  private.Options{MaxBytes: 128 << 10},
		Roster:   roster.Options{Items: 10_000},
		VCard:    vcard.Options{MaxBytes: 256 << 10},
	}
}

// extensions is the configured ones with what only the program knows.
func (s *server) extensions(c *config) standard.Options {
	o := c.Extensions
	o.LastActivity.Started = s.started.UnixNano()
	o.Version.Version = version
	return o
}
