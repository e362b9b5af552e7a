package engine

import (
	"hash/maphash"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/xep"
)

// homeLoop is the loop where an account is at home.
func (e *Engine) homeLoop(bare string) uint32 {
	return uint32(e.hashOf(bare) % uint64(len(e.loops)))
}

// hashOf is where an account has its place.
func (e *Engine) hashOf(bare string) uint64 { return maphash.String(e.seed, bare) }

// home is the account as this loop, its home, knows it. bare may be borrowed.
func (l *loop) home(bare jid.JID) *xep.Home {
	if a, _ := l.homes.find(bare); a != nil {
		a.Used = l.seconds()
		return a
	}
	return l.ownedHome(bare.Clone())
}

// ownedHome is home for an address that may be kept.
func (l *loop) ownedHome(bare jid.JID) *xep.Home {
	a, _ := l.homes.find(bare)
	if a == nil {
		a = xep.NewHome(&l.seat, bare)
		l.homes.add(a)
	}
	a.Used = l.seconds()
	return a
}

// seconds is the time of this turn as Home.Used has it.
func (l *loop) seconds() uint32 { return uint32(l.now / 1e9) }

const (
	homeIdle  = 60  // seconds without use until an account is forgotten
	homeSweep = 512 // accounts looked at in one tick
)

// forgetHomes drops accounts that nobody needs any more, a few at a time; the
// walk through a map begins at a random place.
func (l *loop) forgetHomes() {
	n := 0
	for key, a := range l.homes.table {
		if a.Sessions() == 0 && a.Busy == 0 && l.seconds()-a.Used > homeIdle {
			l.homes.remove(key)
		}
		if n++; n == homeSweep {
			return
		}
	}
}

// visit runs a function at an account's home.
type visit struct {
	bare jid.JID
	f    func(*xep.Home)
}

func (t *visit) apply(l *loop, _ *conn) {
	a := l.home(t.bare)
	a.Prepared(func(error) { t.f(a) })
}
