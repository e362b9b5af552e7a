package jid

import "unsafe"

// View is a prepared address over borrowed bytes: those it was parsed from, or
// the scratch buffer of [ParseView]. It and every string, JID and View that its
// methods return are valid until those bytes change; [View.Clone] to keep.
//
// A View compares like a JID: v.JID == w.JID.
type View struct{ JID }

// ParseView prepares b without copying it when b is already in canonical form
// and ASCII, which is the usual case and allocates nothing. Otherwise the
// canonical form is built in *scratch, which is overwritten from its start and
// grown as needed; the caller reuses it for the next address once it is done
// with this one. The View is valid until b or *scratch changes. b and *scratch
// must not overlap. The error is an *[Error] and lends nothing.
func ParseView(b []byte, scratch *[]byte) (View, error) {
	s := lend(b)
	if local, domain, ok := scanCanonical(s); ok {
		return View{JID{s: s, local: local, domain: domain}}, nil
	}
	j, err := parseSlow(scratch, s)
	return View{j}, err
}

// Clone copies the address; the copy is valid for ever.
func (v View) Clone() JID { return v.JID.Clone() }

// Bare is the address without its resourcepart, borrowed as v is.
func (v View) Bare() View { return View{v.JID.Bare()} }

// DomainJID is the address of the domain alone, borrowed as v is.
func (v View) DomainJID() View { return View{v.JID.DomainJID()} }

// View is v itself.
func (v View) View() View { return v }

// lend is b as a string without a copy; it changes when b does.
func lend(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
