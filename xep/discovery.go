package xep

import (
	"slices"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// NSDataForms is the namespace of data forms, XEP-0004.
const NSDataForms = "jabber:x:data"

// Form is an extension of service discovery, XEP-0128: a data form of type
// result that says more about a target.
type Form struct {
	Target Target
	Type   string // FORM_TYPE
	Fields []Field
}

// Field is one field of a Form.
type Field struct {
	Name   string // var
	Type   string // such as "list-multi"; empty: not said
	Values []string
}

// Form announces an extension in service discovery.
func (r *Registry) Form(f Form) { r.forms = append(r.forms, f) }

// Forms are the extensions announced for a target.
func (r *Registry) Forms(t Target) (list []Form) {
	for _, f := range r.forms {
		if f.Target == t {
			list = append(list, f)
		}
	}
	return list
}

// Node makes service discovery of a target answer for a node as if none had
// been named (XEP-0115 §6.2).
func (r *Registry) Node(t Target, node string) { r.nodes[t] = append(r.nodes[t], node) }

// HasNode tells whether discovery of a target answers for a node. The empty
// node is the target itself.
func (r *Registry) HasNode(t Target, node string) bool {
	return node == "" || slices.Contains(r.nodes[t], node)
}

// AtFreeze adds a function that is called when all extensions have
// registered, with what they announce in order. It may add nodes and stream
// features, nothing else.
func (r *Registry) AtFreeze(f func(*Registry)) { r.late = append(r.late, f) }

// AppendInfo appends what there is to say of a target: the content of
// <query xmlns='http://jabber.org/protocol/disco#info'/>, XEP-0030 §3.1.
func (r *Registry) AppendInfo(dst []byte, t Target) []byte {
	for _, i := range r.Identities(t) {
		dst = append(dst, "<identity"...)
		dst = stanza.AppendAttr(dst, "category", i.Category)
		dst = stanza.AppendAttr(dst, "type", i.Type)
		if i.Lang != "" {
			dst = stanza.AppendAttr(dst, "xml:lang", i.Lang)
		}
		if i.Name != "" {
			dst = stanza.AppendAttr(dst, "name", i.Name)
		}
		dst = append(dst, "/>"...)
	}
	for _, ns := range r.Features(t) {
		dst = append(dst, "<feature"...)
		dst = stanza.AppendAttr(dst, "var", ns)
		dst = append(dst, "/>"...)
	}
	for _, f := range r.Forms(t) {
		dst = f.append(dst)
	}
	return dst
}

// append renders a form, XEP-0128 §2.
func (f *Form) append(dst []byte) []byte {
	dst = append(dst, "<x xmlns='"+NSDataForms+"' type='result'>"...)
	form := Field{Name: "FORM_TYPE", Type: "hidden", Values: []string{f.Type}}
	dst = form.append(dst)
	for i := range f.Fields {
		dst = f.Fields[i].append(dst)
	}
	return append(dst, "</x>"...)
}

func (f *Field) append(dst []byte) []byte {
	dst = append(dst, "<field"...)
	dst = stanza.AppendAttr(dst, "var", f.Name)
	if f.Type != "" {
		dst = stanza.AppendAttr(dst, "type", f.Type)
	}
	dst = append(dst, '>')
	for _, v := range f.Values {
		dst = append(dst, "<value>"...)
		dst = parser.AppendText(dst, v)
		dst = append(dst, "</value>"...)
	}
	return append(dst, "</field>"...)
}
