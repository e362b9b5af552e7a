package jid

import "unsafe"

// Packed is a JID in 16 bytes instead of 24, for what is kept by the million.
// It shares the bytes of the JID that it was made of. It is not comparable by
// what it says: unpack it first. The zero value is the absent address.
type Packed struct {
	text                    *byte
	local, domain, resource uint16
	// Room is for whoever keeps the address: it would be lost to alignment.
	Room uint16
}

// Pack makes j small. Room is empty.
func (j JID) Pack() Packed {
	return Packed{text: unsafe.StringData(j.s), local: j.local, domain: j.domain, resource: uint16(len(j.Resource()))}
}

// JID is the address. It allocates nothing.
func (p *Packed) JID() JID {
	j := p.Bare()
	if p.resource > 0 {
		j.s = unsafe.String(p.text, len(j.s)+1+int(p.resource))
	}
	return j
}

// Bare is the address without its resourcepart.
func (p *Packed) Bare() JID {
	j := JID{local: p.local, domain: p.domain}
	j.s = unsafe.String(p.text, j.bareLen())
	return j
}
