package engine

import (
	"net"
	"testing"
	"time"
)

// What counts as one address, and when the count begins anew.
func TestAttempts(t *testing.T) {
	limits := &Registration{PerAddress: 1, PerHour: 4}
	var a attempts
	hour := int64(time.Hour)
	addr := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 5} }
	for _, c := range []struct {
		from net.Addr
		at   int64
		want bool
	}{
		{addr("192.0.2.1"), 10 * hour, true},
		{addr("192.0.2.1"), 10*hour + 1, false},
		{addr("192.0.2.2"), 10 * hour, true},
		{addr("::ffff:192.0.2.2"), 10 * hour, false},
		{addr("2001:db8::1"), 10 * hour, true},
		{addr("2001:db8::2:3:4:5"), 10 * hour, false},
		{addr("2001:db8:0:1::1"), 10 * hour, true},
		{addr("192.0.2.9"), 11*hour - 1, false}, // the fifth of all
		{addr("192.0.2.1"), 11 * hour, true},
		{nil, 11 * hour, true},
		{nil, 11 * hour, false},
	} {
		if got := a.allow(limits, c.from, c.at); got != c.want {
			t.Errorf("%v at %d: %v, want %v", c.from, c.at, got, c.want)
		}
	}
}
