package xep_test

import (
	"errors"
	"fmt"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/storage/memory"
	"github.com/xylem-im/xylem/xep"
	"github.com/xylem-im/xylem/xep/standard"
)

// A program that embeds the engine answers a request of its own beside all that
// the stock server does.
func Example() {
	const ns = "urn:example:thermometer"
	thermometer := func(r *xep.Registry) error {
		r.Feature(xep.Server, ns) // what service discovery tells
		return r.IQ(xep.IQ{Target: xep.Server, Get: true, Namespace: ns, Name: "temperature",
			Handle: func(_ *xep.Home, req *xep.Request) {
				req.Result([]byte("<temperature xmlns='" + ns + "'>21</temperature>"))
			}})
	}
	_, err := engine.New(engine.Config{
		Domains:        []string{"home.example"},
		Store:          memory.New(memory.Options{}),
		AllowPlaintext: true, // for a demonstration; others set Certificates
		Extensions:     func(r *xep.Registry) error { return errors.Join(standard.Register(r), thermometer(r)) },
	})
	fmt.Println(err)
	// Output: <nil>
}
