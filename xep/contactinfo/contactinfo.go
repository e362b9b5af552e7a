// Package contactinfo tells in service discovery whom to turn to about the
// server (XEP-0157, version 1.1.1).
package contactinfo

import (
	"github.com/xylem-im/xylem/xep"
)

// FormType is the FORM_TYPE of XEP-0157 §5.1.
const FormType = "http://jabber.org/network/serverinfo"

// Options of the extension. Each list holds URIs, such as
// "mailto:abuse@example.org" or "xmpp:admin@example.org". What is empty is not
// announced; by default that is all.
type Options struct {
	Abuse, Admin, Feedback, Sales, Security, Status, Support []string
}

// New is the extension's Register function.
func New(o Options) func(*xep.Registry) error {
	form := xep.Form{Target: xep.Server, Type: FormType}
	for _, f := range [...]struct {
		name string
		uris []string
	}{
		{"abuse-addresses", o.Abuse},
		{"admin-addresses", o.Admin},
		{"feedback-addresses", o.Feedback},
		{"sales-addresses", o.Sales},
		{"security-addresses", o.Security},
		{"status-addresses", o.Status},
		{"support-addresses", o.Support},
	} {
		if len(f.uris) > 0 {
			form.Fields = append(form.Fields, xep.Field{Name: f.name, Type: "list-multi", Values: f.uris})
		}
	}
	return func(r *xep.Registry) error {
		if len(form.Fields) > 0 {
			r.Form(form)
		}
		return nil
	}
}
