package engine

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

func tcp(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 5} }

func TestConnectionsByAddress(t *testing.T) {
	a := &admission{perAddress: newAddressLimit(2, 1000)}
	first, ok1 := a.enter(tcp("192.0.2.1"))
	_, ok2 := a.enter(tcp("::ffff:192.0.2.1"))
	_, ok3 := a.enter(tcp("192.0.2.1"))
	_, other := a.enter(tcp("192.0.2.2"))
	if !ok1 || !ok2 || ok3 || !other || a.refused.Load() != 1 {
		t.Fatalf("%v %v %v, %v, %d refused", ok1, ok2, ok3, other, a.refused.Load())
	}
	a.leave(first)
	if _, ok := a.enter(tcp("192.0.2.1")); !ok {
		t.Error("no room after one has left")
	}
	for _, ip := range []string{"2001:db8::1", "2001:db8::ffff:1"} { // one /64
		if _, ok := a.enter(tcp(ip)); !ok {
			t.Errorf("%s refused", ip)
		}
	}
	if _, ok := a.enter(tcp("2001:db8::2")); ok {
		t.Error("a third of one /64")
	}
	from, _ := a.enter(tcp("127.0.0.1"))
	if a.leave(from); len(a.byAddress) != 3 {
		t.Errorf("kept %v", a.byAddress)
	}
	usual := &admission{perAddress: newAddressLimit(0, 1)}
	for range 3 {
		if from, ok := usual.enter(tcp("127.0.0.9")); !ok || from != nil {
			t.Error("this machine is counted without having been asked for")
		}
		if from, ok := usual.enter(nil); !ok || from != nil {
			t.Error("an in-process connection is counted")
		}
	}
	if len(usual.byAddress) != 0 {
		t.Errorf("kept %v", usual.byAddress)
	}
}

func TestFailedLoginsByAddress(t *testing.T) {
	hour := int64(time.Hour)
	f := &failures{limit: newAddressLimit(3, 1000)}
	f.add(tcp("192.0.2.1"), 5*hour, 2)
	if f.tooMany(tcp("192.0.2.1"), 5*hour) {
		t.Error("two are too many")
	}
	f.add(tcp("192.0.2.1"), 6*hour-1, 1)
	if !f.tooMany(tcp("192.0.2.1"), 6*hour-1) || f.tooMany(tcp("192.0.2.2"), 6*hour-1) || f.tooMany(tcp("192.0.2.1"), 6*hour) {
		t.Error("three should be too many, for one address, in one hour")
	}
	for i := range failuresKept + 10 {
		f.add(tcp(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).String()), 7*hour, 1)
	}
	if len(f.byAddress) != failuresKept {
		t.Errorf("%d addresses kept", len(f.byAddress))
	}
}

func TestListed(t *testing.T) {
	networks := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}
	for ip, want := range map[string]bool{"10.1.2.3": true, "::ffff:10.1.2.3": true, "11.1.2.3": false, "2001:db8::1": true, "::1": false} {
		if got := listed(networks, tcp(ip)); got != want {
			t.Errorf("%s: %v", ip, got)
		}
	}
	if listed(networks, nil) {
		t.Error("no address is listed")
	}
}
