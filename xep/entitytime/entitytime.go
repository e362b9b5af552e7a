// Package entitytime tells the server's time (XEP-0202, version 2.0), in UTC.
package entitytime

import (
	"time"

	"github.com/xylem-im/xylem/xep"
)

// NS is the namespace of XEP-0202 §6.1.
const NS = "urn:xmpp:time"

// Register adds the extension.
func Register(r *xep.Registry) error {
	r.Feature(xep.Server, NS)
	return r.IQ(xep.IQ{Target: xep.Server, Get: true, Namespace: NS, Name: "time", Handle: tell})
}

func tell(a *xep.Home, req *xep.Request) {
	b := []byte("<time xmlns='" + NS + "'><tzo>+00:00</tzo><utc>")
	// XEP-0082 §3.2: the Z form is that of UTC.
	b = time.Unix(0, a.Now()).UTC().AppendFormat(b, "2006-01-02T15:04:05Z")
	req.Result(append(b, "</utc></time>"...))
}
