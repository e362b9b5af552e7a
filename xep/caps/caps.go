// Package caps announces by a hash in the stream features what the server can
// do (XEP-0115, version 1.6.0 §6.3), so that clients which know the hash need
// not ask. Service discovery answers for the node of the hash (§6.2).
//
// The server keeps nothing of what clients say of themselves, so there is
// nothing that would have to be verified: their <c/> passes to their contacts
// as it is.
package caps

import (
	"cmp"
	"crypto/sha1"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// NS is the namespace of XEP-0115 §11.1.
const NS = "http://jabber.org/protocol/caps"

// Node names the software (XEP-0115 §4).
const Node = "https://github.com/xylem-im/xylem"

// Register adds the extension.
func Register(r *xep.Registry) error {
	r.Feature(xep.Server, NS)
	r.AtFreeze(func(r *xep.Registry) {
		ver := Ver(r.Identities(xep.Server), r.Features(xep.Server), r.Forms(xep.Server))
		r.Node(xep.Server, Node+"#"+ver)
		b := []byte("<c xmlns='" + NS + "' hash='sha-1' node='" + Node + "'")
		b = stanza.AppendAttr(b, "ver", ver)
		r.StreamFeature(string(append(b, "/>"...)))
	})
	return nil
}

// Ver is the verification string of what discovery answers, by SHA-1
// (XEP-0115 §5.1). The arguments are not changed.
func Ver(identities []xep.Identity, features []string, forms []xep.Form) string {
	var s strings.Builder
	add := func(part string) {
		s.WriteString(part)
		s.WriteByte('<')
	}
	for _, i := range slices.SortedFunc(slices.Values(identities), compareIdentities) {
		add(i.Category + "/" + i.Type + "/" + i.Lang + "/" + i.Name)
	}
	for _, f := range slices.Sorted(slices.Values(features)) {
		add(f)
	}
	for _, f := range slices.SortedFunc(slices.Values(forms), compareForms) {
		add(f.Type)
		for _, field := range slices.SortedFunc(slices.Values(f.Fields), compareFields) {
			add(field.Name)
			for _, v := range slices.Sorted(slices.Values(field.Values)) {
				add(v)
			}
		}
	}
	sum := sha1.Sum([]byte(s.String()))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// The parts are compared one by one, bytewise (RFC 4790 §9.3): in the text that
// is hashed, what ends a part is greater than some characters in parts.

func compareIdentities(a, b xep.Identity) int {
	return cmp.Or(strings.Compare(a.Category, b.Category), strings.Compare(a.Type, b.Type),
		strings.Compare(a.Lang, b.Lang), strings.Compare(a.Name, b.Name))
}

func compareForms(a, b xep.Form) int { return strings.Compare(a.Type, b.Type) }

func compareFields(a, b xep.Field) int { return strings.Compare(a.Name, b.Name) }
