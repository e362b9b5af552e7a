package script

import (
	"encoding/xml"
	"strings"
)

// render writes an event as a play would state it: one form for one meaning,
// children on lines of their own unless there is text among them.
func render(ev event) []string {
	switch ev.kind {
	case header:
		return []string{"<stream:stream" + renderAttrs(ev.elem.attrs) + ">"}
	case footer:
		return []string{"</stream:stream>"}
	case ended:
		return []string{"(" + ev.err.Error() + ")"}
	}
	return renderElement(ev.elem, nsClient)
}

func renderAll(list []event) []string {
	var lines []string
	for _, ev := range list {
		lines = append(lines, render(ev)...)
	}
	return lines
}

func renderElement(e *element, scope string) []string {
	tag, start, inner := startTag(e, scope)
	if len(e.children) == 0 {
		return []string{start + "/>"}
	}
	for _, n := range e.children {
		if n.elem == nil {
			return []string{start + ">" + inline(e.children, inner) + "</" + tag + ">"}
		}
	}
	lines := []string{start + ">"}
	for _, n := range e.children {
		for _, l := range renderElement(n.elem, inner) {
			lines = append(lines, "\t"+l)
		}
	}
	return append(lines, "</"+tag+">")
}

// startTag returns the name to write, the start tag without its end, and the
// default namespace inside.
func startTag(e *element, scope string) (tag, start, inner string) {
	tag, inner = e.name.Local, scope
	decl := ""
	switch {
	case e.name.Space == nsStream:
		tag = "stream:" + tag
	case e.name.Space != scope:
		inner, decl = e.name.Space, ` xmlns="`+escape(e.name.Space)+`"`
	}
	return tag, "<" + tag + decl + renderAttrs(e.attrs), inner
}

// inline writes children without line breaks, where these would be text.
func inline(children []node, scope string) string {
	var b strings.Builder
	for _, n := range children {
		if n.elem == nil {
			b.WriteString(literal(n.text))
			continue
		}
		tag, start, inner := startTag(n.elem, scope)
		b.WriteString(start)
		if len(n.elem.children) == 0 {
			b.WriteString("/>")
			continue
		}
		b.WriteString(">" + inline(n.elem.children, inner) + "</" + tag + ">")
	}
	return b.String()
}

func renderAttrs(attrs []xml.Attr) string {
	var b strings.Builder
	foreign := 0
	for _, a := range attrs {
		name := a.Name.Local
		switch a.Name.Space {
		case "":
		case nsXML:
			name = "xml:" + name
		case nsPlay:
			name = "play:" + name
		default:
			foreign++
			prefix := "a" + string(rune('0'+foreign%10))
			b.WriteString(" xmlns:" + prefix + `="` + escape(a.Name.Space) + `"`)
			name = prefix + ":" + name
		}
		b.WriteString(" " + name + `="` + literal(a.Value) + `"`)
	}
	return b.String()
}

// literal escapes for XML; line breaks and what a block would lose become
// character references.
func literal(s string) string {
	s = escape(s)
	if strings.HasPrefix(s, " ") {
		s = "&#32;" + s[1:]
	}
	return s
}
