package script

import (
	"cmp"
	"encoding/xml"
	"slices"
	"strings"
)

// Namespaces that the package itself speaks.
const (
	nsClient  = "jabber:client"
	nsStream  = "http://etherx.jabber.org/streams"
	nsStreams = "urn:ietf:params:xml:ns:xmpp-streams"
	nsTLS     = "urn:ietf:params:xml:ns:xmpp-tls"
	nsSASL    = "urn:ietf:params:xml:ns:xmpp-sasl"
	nsBind    = "urn:ietf:params:xml:ns:xmpp-bind"
	nsXML     = "http://www.w3.org/XML/1998/namespace"
	nsPlay    = "urn:xylem:play" // attributes that say how to compare
	nsSync    = "urn:xylem:sync" // marks, see barrier
)

// element is an XML element with names resolved.
type element struct {
	name     xml.Name
	attrs    []xml.Attr // sorted by name, without namespace declarations
	children []node
}

// node is an element or, if that is nil, text.
type node struct {
	elem *element
	text string
}

// attr returns the value of an attribute without a namespace, "" if there is none.
func (e *element) attr(local string) string { return e.attrNS("", local) }

func (e *element) attrNS(space, local string) string {
	for _, a := range e.attrs {
		if a.Name == (xml.Name{Space: space, Local: local}) {
			return a.Value
		}
	}
	return ""
}

// child returns the first child element of that name, or nil.
func (e *element) child(space, local string) *element {
	for _, n := range e.children {
		if n.elem != nil && n.elem.name == (xml.Name{Space: space, Local: local}) {
			return n.elem
		}
	}
	return nil
}

// is reports whether the element has this name.
func (e *element) is(space, local string) bool {
	return e.name == xml.Name{Space: space, Local: local}
}

// content is the text directly inside the element.
func (e *element) content() string {
	var b strings.Builder
	for _, n := range e.children {
		b.WriteString(n.text)
	}
	return b.String()
}

// addText appends text, merging it with text before it.
func (e *element) addText(s string) {
	if k := len(e.children) - 1; k >= 0 && e.children[k].elem == nil {
		e.children[k].text += s
		return
	}
	e.children = append(e.children, node{text: s})
}

func (e *element) sortAttrs() {
	slices.SortFunc(e.attrs, func(a, b xml.Attr) int {
		return cmp.Or(cmp.Compare(a.Name.Space, b.Name.Space), cmp.Compare(a.Name.Local, b.Name.Local))
	})
}

// eventKind tells what came over a stream.
type eventKind uint8

const (
	header eventKind = iota + 1 // <stream:stream …>
	stanza                      // a whole element below it
	footer                      // </stream:stream>
	ended                       // the connection is gone, or what came is not XML
)

// event is one thing that came over a stream, or that should.
type event struct {
	kind eventKind
	elem *element // of header and stanza
	err  error    // of ended; io.EOF for an orderly end
}
