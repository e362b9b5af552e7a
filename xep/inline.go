package xep

import "fmt"

// Inline is what a client may switch on while it binds a resource by Bind 2
// (XEP-0386 §4.2): nothing that comes for the session passes it by.
type Inline struct {
	Feature         string // as announced: a namespace or feature of service discovery
	Namespace, Name string // of the element that asks for it
	Own, Account    Mark   // the marks that switch it on, of the session and of its account
}

// maxInline is how many features sessions can tell apart.
const maxInline = 32

// Inline adds a feature that goes with the binding of a resource. ErrTaken when
// another has the element.
func (r *Registry) Inline(f Inline) error {
	if r.frozen {
		return ErrFrozen
	}
	for _, g := range r.inline {
		if g.Namespace == f.Namespace && g.Name == f.Name {
			return fmt.Errorf("%w: inline <%s xmlns='%s'/>", ErrTaken, f.Name, f.Namespace)
		}
	}
	if len(r.inline) == maxInline {
		return fmt.Errorf("xep: more than %d inline features", maxInline)
	}
	r.inline = append(r.inline, f)
	return nil
}

// Inlines are the features that go with the binding of a resource.
func (r *Registry) Inlines() []Inline { return r.inline }
