// Package version tells what software the server runs (XEP-0092, version 1.1).
package version

import (
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/xep"
)

// NS is the namespace of XEP-0092 §5.
const NS = "jabber:iq:version"

// Options of the extension. The zero value is usable.
type Options struct {
	Name    string // of the software. Default "xylem"
	Version string // Default "unknown"
	OS      string // operating system; empty: not told (XEP-0092 §4)
}

// New is the extension's Register function.
func New(o Options) func(*xep.Registry) error {
	if o.Name == "" {
		o.Name = "xylem"
	}
	if o.Version == "" {
		o.Version = "unknown"
	}
	b := []byte("<query xmlns='" + NS + "'>")
	b = appendChild(b, "name", o.Name)
	b = appendChild(b, "version", o.Version)
	if o.OS != "" {
		b = appendChild(b, "os", o.OS)
	}
	answer := append(b, "</query>"...)
	return func(r *xep.Registry) error {
		r.Feature(xep.Server, NS)
		return r.IQ(xep.IQ{Target: xep.Server, Get: true, Namespace: NS, Name: "query",
			Handle: func(_ *xep.Home, req *xep.Request) { req.Result(answer) }})
	}
}

func appendChild(b []byte, name, text string) []byte {
	b = append(append(append(b, '<'), name...), '>')
	b = parser.AppendText(b, text)
	return append(append(append(b, "</"...), name...), '>')
}
