package xep_test

import (
	"slices"
	"testing"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/xep"
)

// host is an event loop that has nothing but a registry.
type host struct {
	xep.Host
	registry *xep.Registry
}

func (h host) Registry() *xep.Registry { return h.registry }

// A session may end while an extension is busy with its opening: those after it
// would wait for an end that was before.
func TestSessionEndsWhileItIsOpened(t *testing.T) {
	for name, c := range map[string]struct {
		ends bool
		want []string
	}{
		"it stays": {false, []string{"first opened", "second opened", "done"}},
		"it ends":  {true, []string{"first opened", "second closed"}},
	} {
		t.Run(name, func(t *testing.T) {
			var heard []string
			var goOn func()
			r := xep.NewRegistry()
			r.Session(xep.Session{Opened: func(_ *xep.Home, _ xep.SessionRef, done func()) {
				heard, goOn = append(heard, "first opened"), done
			}})
			r.Session(xep.Session{
				Opened: func(_ *xep.Home, _ xep.SessionRef, done func()) { heard = append(heard, "second opened"); done() },
				Closed: func(*xep.Home, xep.SessionRef) { heard = append(heard, "second closed") },
			})
			a := xep.NewHome(&xep.Seat{Host: host{registry: r}}, jid.MustParse("a@example.org"))
			s := xep.SessionRef{JID: jid.MustParse("a@example.org/r"), ID: 7}
			a.Enter(s)
			r.SessionOpened(a, s, func() { heard = append(heard, "done") })
			if c.ends {
				a.Leave(s)
				r.SessionClosed(a, s)
			}
			goOn()
			if !slices.Equal(heard, c.want) {
				t.Errorf("heard %q, want %q", heard, c.want)
			}
		})
	}
}
