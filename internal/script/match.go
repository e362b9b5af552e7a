package script

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
)

// mismatch says where what was received differs from what was expected.
type mismatch struct{ path, what string }

func (m *mismatch) Error() string { return m.path + ": " + m.what }

// matchEvents compares what was received with what was expected, in order or
// in any order. It returns v with what was remembered.
func matchEvents(want, got []event, anyOrder bool, v vars) (vars, error) {
	if len(want) != len(got) {
		return v, fmt.Errorf("expected %d, received %d", len(want), len(got))
	}
	left := slices.Clone(got)
	for i, w := range want {
		at, next, err := 0, v, error(nil)
		for k := range left {
			if next, err = matchEvent(w, left[k], v); err == nil || !anyOrder {
				at = k
				break
			}
		}
		if err != nil {
			return v, fmt.Errorf("number %d: %w", i+1, err)
		}
		v, left = next, slices.Delete(left, at, at+1)
	}
	return v, nil
}

func matchEvent(want, got event, v vars) (vars, error) {
	if want.kind != got.kind {
		return v, fmt.Errorf("expected %s, received %s", want.kind, got.kind)
	}
	if want.elem == nil {
		return v, nil
	}
	return matchElement(want.elem, got.elem, v, want.elem.name.Local)
}

// matchElement compares two elements. It returns v with what was remembered,
// or a *mismatch.
func matchElement(want, got *element, v vars, path string) (vars, error) {
	if want.name != got.name {
		return v, &mismatch{path, fmt.Sprintf("expected <%s>, received <%s>", expanded(want.name), expanded(got.name))}
	}
	v, err := matchAttrs(want, got, v, path)
	if err != nil {
		return v, err
	}
	return matchChildren(want, got, v, path)
}

// more reports whether the expected element lets the received one have more
// of this kind: "attributes" or "children".
func (e *element) more(of string) bool {
	m := e.attrNS(nsPlay, "more")
	return m == of || m == "all"
}

func matchAttrs(want, got *element, v vars, path string) (vars, error) {
	for _, w := range want.attrs {
		if w.Name.Space == nsPlay {
			continue
		}
		i := slices.IndexFunc(got.attrs, func(a xml.Attr) bool { return a.Name == w.Name })
		if i < 0 {
			if w.Value == "{optional}" {
				continue
			}
			return v, &mismatch{path, fmt.Sprintf("no attribute %s=%q", expanded(w.Name), w.Value)}
		}
		next, ok, err := matchValue(w.Value, got.attrs[i].Value, v)
		if err != nil || !ok {
			return v, valueMismatch(path+"/@"+expanded(w.Name), w.Value, got.attrs[i].Value, err)
		}
		v = next
	}
	if want.more("attributes") {
		return v, nil
	}
	for _, g := range got.attrs {
		if !slices.ContainsFunc(want.attrs, func(a xml.Attr) bool { return a.Name == g.Name }) {
			return v, &mismatch{path, fmt.Sprintf("unexpected attribute %s=%q", expanded(g.Name), g.Value)}
		}
	}
	return v, nil
}

func valueMismatch(path, want, got string, err error) error {
	if err != nil {
		return &mismatch{path, err.Error()}
	}
	return &mismatch{path, fmt.Sprintf("expected %q, received %q", shorten(want), shorten(got))}
}

// shorten keeps messages readable when bodies are large.
func shorten(s string) string {
	const keep = 120
	if len(s) <= 2*keep {
		return s
	}
	return fmt.Sprintf("%s … (%d bytes) … %s", strings.ToValidUTF8(s[:keep], ""), len(s), strings.ToValidUTF8(s[len(s)-keep:], ""))
}

func matchChildren(want, got *element, v vars, path string) (vars, error) {
	anyOrder, more := want.attrNS(nsPlay, "order") == "any", want.more("children")
	left := slices.Clone(got.children)
	for _, w := range want.children {
		at, next, err := -1, v, error(nil)
		for k, g := range left {
			if next, err = matchNode(w, g, v, path); err == nil {
				at = k
				break
			}
			if !anyOrder && !more {
				break
			}
		}
		switch {
		case at >= 0:
			v = next
			if more && !anyOrder {
				left = left[at+1:] // what was passed over is the "more"
			} else {
				left = slices.Delete(left, at, at+1)
			}
		case len(left) == 1 && err != nil, err != nil && !anyOrder && !more:
			return v, err
		case w.elem != nil:
			return v, &mismatch{path, fmt.Sprintf("no <%s>", expanded(w.elem.name))}
		case w.text == "{any}":
		default:
			return v, &mismatch{path, fmt.Sprintf("no text %q", shorten(w.text))}
		}
	}
	if more || len(left) == 0 {
		return v, nil
	}
	if e := left[0].elem; e != nil {
		return v, &mismatch{path, fmt.Sprintf("unexpected <%s>", expanded(e.name))}
	}
	return v, &mismatch{path, fmt.Sprintf("unexpected text %q", shorten(left[0].text))}
}

func matchNode(want, got node, v vars, path string) (vars, error) {
	switch {
	case want.elem != nil && got.elem != nil:
		return matchElement(want.elem, got.elem, v, path+"/"+want.elem.name.Local)
	case want.elem != nil:
		return v, &mismatch{path, fmt.Sprintf("expected <%s>, received text %q", expanded(want.elem.name), shorten(got.text))}
	case got.elem != nil:
		return v, &mismatch{path, fmt.Sprintf("expected text %q, received <%s>", shorten(want.text), expanded(got.elem.name))}
	}
	next, ok, err := matchValue(want.text, got.text, v)
	if err != nil || !ok {
		return v, valueMismatch(path, want.text, got.text, err)
	}
	return next, nil
}

func expanded(n xml.Name) string {
	switch n.Space {
	case "", nsClient:
		return n.Local
	case nsXML:
		return "xml:" + n.Local
	}
	return "{" + n.Space + "}" + n.Local
}

// String names the kind for messages.
func (k eventKind) String() string {
	switch k {
	case header:
		return "a stream header"
	case stanza:
		return "an element"
	case footer:
		return "</stream:stream>"
	}
	return "the end of the connection"
}
