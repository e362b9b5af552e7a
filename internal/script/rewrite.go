package script

import (
	"cmp"
	"encoding/xml"
	"slices"
	"strings"
)

// edit replaces lines of a play: those from index from up to to.
type edit struct {
	from, to int
	lines    []string
}

// replace makes a step's block what was received. Where the old block had
// something in braces that still fits, it stays.
func (s *stage) replace(st *step, got []event) {
	s.edits = append(s.edits, edit{st.blockFrom, st.blockTo, s.block(st.want, got)})
	for i, ev := range got { // remember what the kept braces remember
		if i < len(st.want) && ev.kind == st.want[i].kind && ev.elem != nil {
			if v, err := matchElement(keepBraces(st.want[i].elem, ev.elem, s.vars), ev.elem, s.vars, ""); err == nil {
				s.vars = v
			}
		}
	}
}

// insert states what no step expected: before the step, or in its place.
func (s *stage) insert(a *actor, st *step, got []event, own bool) {
	lines := append([]string{a.role.name + " " + string(receives)}, s.block(nil, got)...)
	at := edit{from: st.blockFrom - 1, to: st.blockFrom - 1, lines: lines}
	switch {
	case st.line == 0: // at the end of the play
		at.from, at.to = st.blockFrom, st.blockTo
	case own:
		at.to++
	}
	s.edits = append(s.edits, at)
}

func (s *stage) block(want, got []event) []string {
	var lines []string
	for i, ev := range got {
		if ev.elem != nil {
			old := &element{}
			if i < len(want) && want[i].elem != nil {
				old = want[i].elem
			}
			ev.elem = keepBraces(old, ev.elem, s.vars)
		}
		for _, l := range render(ev) {
			lines = append(lines, "\t"+l)
		}
	}
	return lines
}

// keepBraces returns got as a play would expect it: braces doubled, and the
// values of old that fit in the place of what they matched.
func keepBraces(old, got *element, v vars) *element {
	e := &element{name: got.name}
	for _, a := range got.attrs {
		value := double(a.Value)
		for _, o := range old.attrs {
			if o.Name == a.Name && keeps(o.Value, a.Value, v) {
				value = o.Value
			}
		}
		e.attrs = append(e.attrs, xml.Attr{Name: a.Name, Value: value})
	}
	for _, a := range old.attrs {
		if a.Name.Space == nsPlay && old.name == got.name {
			e.attrs = append(e.attrs, a)
		}
	}
	for i, n := range got.children {
		var was node
		if i < len(old.children) {
			was = old.children[i]
		}
		switch {
		case n.elem == nil && was.elem == nil && keeps(was.text, n.text, v):
			n.text = was.text
		case n.elem == nil:
			n.text = double(n.text)
		case was.elem == nil:
			n.elem = keepBraces(&element{}, n.elem, v)
		default:
			n.elem = keepBraces(was.elem, n.elem, v)
		}
		e.children = append(e.children, n)
	}
	return e
}

func keeps(old, got string, v vars) bool {
	_, ok, err := matchValue(old, got, v)
	return err == nil && ok
}

func double(s string) string { return strings.ReplaceAll(s, "{", "{{") }

// rewritten is the play's text with the edits made.
func (s *stage) rewritten() string {
	lines := slices.Clone(s.play.lines)
	slices.SortStableFunc(s.edits, func(a, b edit) int { return cmp.Compare(a.from, b.from) })
	for _, e := range slices.Backward(s.edits) {
		lines = slices.Replace(lines, e.from, e.to, e.lines...)
	}
	return strings.Join(lines, "\n") + "\n"
}
