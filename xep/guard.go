package xep

import "github.com/xylem-im/xylem/stanza"

// Guard names requests to a full address that the resource gets only from those
// who may see its presence (see MaySeeResource); others are answered with an error.
type Guard struct {
	Namespace, Name string           // of the one child; both empty: any
	Condition       stanza.Condition // of the error
}

// Guard adds one. Where several apply the first counts.
func (r *Registry) Guard(g Guard) { r.guards = append(r.guards, g) }

// Guarded tells whether an IQ that is about to be delivered to a resource is
// guarded, and how it is refused. Safe for concurrent use once the registry is frozen.
func (r *Registry) Guarded(v *stanza.View) (refusal stanza.Condition, ok bool) {
	if len(r.guards) == 0 || v.Type != stanza.TypeGet && v.Type != stanza.TypeSet {
		return "", false
	}
	child, _ := v.Payload()
	for i := range r.guards {
		if g := &r.guards[i]; g.Namespace == "" || child.Is(g.Namespace, g.Name) {
			return g.Condition, true
		}
	}
	return "", false
}
