// Package standard is the list of extensions of the stock server.
package standard

import (
	"github.com/xylem-im/xylem/xep"
	"github.com/xylem-im/xylem/xep/disco"
	"github.com/xylem-im/xylem/xep/ping"
)

// Options of the extensions that have some. The zero value is usable.
type Options struct {
	Disco disco.Options
}

// Register adds all extensions as their options say.
func (o Options) Register(r *xep.Registry) error {
	for _, register := range [...]func(*xep.Registry) error{
		disco.New(o.Disco),
		ping.Register,
	} {
		if err := register(r); err != nil {
			return err
		}
	}
	return nil
}

// Register adds all extensions with their defaults.
func Register(r *xep.Registry) error { return Options{}.Register(r) }
