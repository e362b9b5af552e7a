package vcard

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"errors"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/xep"
)

// photo is the hash of the photo in an account's vCard, as its Home keeps it
// while it has sessions; nil there when there is no vCard or it is not known.
type photo struct {
	is   bool // the vCard has a photo
	hash [sha1.Size]byte
}

func (p *photo) bytes() []byte {
	if !p.is {
		return []byte{}
	}
	return p.hash[:]
}

// photoOf hashes the image in a vCard. ok is false when it is not base64.
func photoOf(card parser.Element) (p *photo, ok bool) {
	p = &photo{}
	binval := card.Child(NS, "PHOTO").Child(NS, "BINVAL")
	text := bytes.Map(dropSpace, binval.AppendText(nil)) // XEP-0153 §4.5: white space is ignored
	if len(text) == 0 {
		return p, true
	}
	image, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil {
		return nil, false
	}
	p.is, p.hash = true, sha1.Sum(image)
	return p, true
}

func dropSpace(r rune) rune {
	switch r {
	case ' ', '\t', '\r', '\n':
		return -1
	}
	return r
}

// noteNone notes that the store has no vCard of the account, so that it is not
// asked at each login: most accounts have none.
const noteNone = 1

// opened loads the hash before the first session's presence goes out. A
// session whose hash cannot be loaded goes on without.
func (x *extension) opened(a *xep.Home, _ xep.SessionRef, done func()) {
	if a.State(x.slot) != nil || a.Note(x.note) == noteNone {
		done()
		return
	}
	a.Ask(&storage.Op{Kind: storage.Get, Collection: collection, Key: []byte(keyHash)}, func(res *storage.Result) {
		switch {
		case a.State(x.slot) != nil: // a set came first
		case res.Err == nil:
			p := &photo{}
			p.is = copy(p.hash[:], res.Items[0].Value) == len(p.hash)
			a.SetState(x.slot, p)
		case errors.Is(res.Err, storage.ErrNotFound):
			a.SetNote(x.note, noteNone)
		}
		done()
	})
}

// stamp tells of the photo where the client does not: in available presence
// without an update element. A client that sends one, even an empty one,
// decides for itself (XEP-0153 §4.1).
func (x *extension) stamp(a *xep.Home, v *stanza.View, dst []byte) []byte {
	p, _ := a.State(x.slot).(*photo)
	if p == nil || v.Type != stanza.TypeNone || !v.Frame.Element().Child(NSUpdate, "x").IsZero() {
		return dst
	}
	if !p.is {
		return append(dst, "<x xmlns='"+NSUpdate+"'><photo/></x>"...)
	}
	dst = append(dst, "<x xmlns='"+NSUpdate+"'><photo>"...)
	dst = hex.AppendEncode(dst, p.hash[:])
	return append(dst, "</photo></x>"...)
}
