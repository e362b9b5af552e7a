package script

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
)

// reader makes events of the bytes of a stream. It holds the peer to
// well-formed XML with namespaces: an undeclared prefix is an error.
type reader struct {
	dec    *xml.Decoder
	given  map[string]string   // prefix → namespace: declared before anything was read
	scopes []map[string]string // the stream's scope, then those of the open elements
	open   []*element          // elements begun and not ended
	tags   []xml.Name          // their names as written
}

// byteReader keeps encoding/xml from reading ahead of what it needs.
type byteReader interface {
	io.Reader
	io.ByteReader
}

// newReader reads src, where the prefixes of given count as declared.
func newReader(src byteReader, given map[string]string) *reader {
	return &reader{dec: xml.NewDecoder(src), given: given, scopes: []map[string]string{given}}
}

// readFragment reads the block of a play.
func readFragment(s string) ([]event, error) {
	r := newReader(strings.NewReader(s), map[string]string{"": nsClient, "stream": nsStream, "play": nsPlay})
	var list []event
	for {
		ev := r.next()
		if ev.kind == ended {
			if ev.err == io.EOF {
				return list, nil
			}
			return nil, ev.err
		}
		list = append(list, ev)
	}
}

// next returns the next event; after one of kind ended there is no other.
func (r *reader) next() event {
	for {
		tok, err := r.dec.RawToken()
		if err != nil {
			return event{kind: ended, err: r.endError(err)}
		}
		ev, err := r.token(tok)
		if err != nil {
			return event{kind: ended, err: fmt.Errorf("at byte %d: %w", r.dec.InputOffset(), err)}
		}
		if ev.kind != 0 {
			return ev
		}
	}
}

func (r *reader) endError(err error) error {
	if err == io.EOF && len(r.open) > 0 {
		return fmt.Errorf("ended inside <%s>", r.open[len(r.open)-1].name.Local)
	}
	return err
}

// token takes one token in; an event of kind 0 says that more are needed.
func (r *reader) token(tok xml.Token) (event, error) {
	switch tok := tok.(type) {
	case xml.StartElement:
		return r.start(tok)
	case xml.EndElement:
		return r.end(tok)
	case xml.CharData:
		return event{}, r.text(string(tok))
	case xml.ProcInst:
		if tok.Target != "xml" || len(r.open) > 0 {
			return event{}, fmt.Errorf("processing instruction %q", tok.Target)
		}
		return event{}, nil
	}
	return event{}, fmt.Errorf("restricted XML (%T)", tok)
}

func (r *reader) start(tok xml.StartElement) (event, error) {
	base := r.scopes[len(r.scopes)-1]
	isHeader := len(r.open) == 0 && tok.Name == xml.Name{Space: "stream", Local: "stream"}
	if isHeader { // a new stream knows nothing of the one before
		base, r.scopes = r.given, r.scopes[:0]
	}
	scope, err := declare(base, tok.Attr)
	if err != nil {
		return event{}, err
	}
	e, err := resolve(scope, tok)
	if err != nil {
		return event{}, err
	}
	r.scopes = append(r.scopes, scope)
	if isHeader {
		e.attrs = append(e.attrs, xml.Attr{Name: xml.Name{Local: "xmlns"}, Value: scope[""]})
		e.sortAttrs()
		return event{kind: header, elem: e}, nil
	}
	if n := len(r.open); n > 0 {
		r.open[n-1].children = append(r.open[n-1].children, node{elem: e})
	}
	r.open, r.tags = append(r.open, e), append(r.tags, tok.Name)
	return event{}, nil
}

func (r *reader) end(tok xml.EndElement) (event, error) {
	n := len(r.open)
	if n == 0 {
		if tok.Name == (xml.Name{Space: "stream", Local: "stream"}) {
			return event{kind: footer}, nil
		}
		return event{}, fmt.Errorf("</%s> without a beginning", tok.Name.Local)
	}
	if r.tags[n-1] != tok.Name {
		return event{}, fmt.Errorf("<%s> ended by </%s>", r.tags[n-1].Local, tok.Name.Local)
	}
	e := r.open[n-1]
	r.open, r.tags, r.scopes = r.open[:n-1], r.tags[:n-1], r.scopes[:len(r.scopes)-1]
	if n == 1 {
		return event{kind: stanza, elem: e}, nil
	}
	return event{}, nil
}

func (r *reader) text(s string) error {
	if n := len(r.open); n > 0 {
		r.open[n-1].addText(s)
		return nil
	}
	if strings.TrimSpace(s) != "" {
		return fmt.Errorf("text %.40q between stanzas", s)
	}
	return nil // whitespace keepalive
}

var errXMLNS = errors.New("namespace declaration that Namespaces in XML forbids")

// declare returns scope with the declarations among attrs.
func declare(scope map[string]string, attrs []xml.Attr) (map[string]string, error) {
	copied := false
	for _, a := range attrs {
		var prefix string
		switch {
		case a.Name == xml.Name{Local: "xmlns"}:
		case a.Name.Space == "xmlns":
			prefix = a.Name.Local
			if a.Value == "" || prefix == "xmlns" {
				return nil, errXMLNS
			}
		default:
			continue
		}
		if !copied {
			outer := scope
			scope, copied = map[string]string{}, true
			maps.Copy(scope, outer)
		}
		scope[prefix] = a.Value
	}
	return scope, nil
}

// resolve makes an element of a start tag.
func resolve(scope map[string]string, tok xml.StartElement) (*element, error) {
	space, err := namespace(scope, tok.Name.Space)
	if err != nil {
		return nil, err
	}
	e := &element{name: xml.Name{Space: space, Local: tok.Name.Local}}
	seen := map[xml.Name]bool{}
	for _, a := range tok.Attr {
		if a.Name.Space == "xmlns" || a.Name == (xml.Name{Local: "xmlns"}) {
			continue
		}
		name := xml.Name{Local: a.Name.Local}
		if a.Name.Space != "" {
			if name.Space, err = namespace(scope, a.Name.Space); err != nil {
				return nil, err
			}
		}
		if seen[name] {
			return nil, fmt.Errorf("<%s> has attribute %s twice", tok.Name.Local, a.Name.Local)
		}
		seen[name] = true
		e.attrs = append(e.attrs, xml.Attr{Name: name, Value: a.Value})
	}
	e.sortAttrs()
	return e, nil
}

func namespace(scope map[string]string, prefix string) (string, error) {
	if prefix == "xml" {
		return nsXML, nil
	}
	space, ok := scope[prefix]
	if !ok && prefix != "" {
		return "", fmt.Errorf("prefix %q is not declared", prefix)
	}
	return space, nil
}
