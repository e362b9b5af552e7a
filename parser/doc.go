// Package parser turns the bytes of an XMPP connection into frames: the opening
// tag of a stream, one whole first-level element (a stanza), the closing tag.
//
// It reads the XML of RFC 6120 §11: XML 1.0 (fifth edition) with namespaces,
// in UTF-8 only, without comments, processing instructions, DTDs and entities
// beyond the five predefined ones. Everything else of well-formedness is
// checked in the one pass that finds the end of the stanza, so what comes out
// of [Scanner.Next] can be forwarded byte by byte without a second look.
//
// No tree is built. A [Frame] holds offsets into the receive buffer: the
// stanza's name and namespace, its attributes, its first-level children, and
// which bindings of the stream header it relies on. [Element] walks deeper on
// demand, again without allocating.
//
// # Who owns what
//
// One [Scanner] belongs to one event loop and holds the working memory; one
// [Stream] (48 bytes) belongs to each connection. A stanza that has not fully
// arrived borrows a piece of working memory from the Scanner until it ends.
// Frames and all byte slices reached through them are lent: they are valid
// until the next call of Next on the same Scanner and only as long as the
// input buffer is not changed. All lent slices are read-only.
//
// # Partial input
//
// The position inside a text run, a tag, an attribute value or a CDATA section
// is remembered, so a peer that sends one byte at a time costs time linear in
// what it sends. Only a name, a reference or a UTF-8 sequence that was cut in
// two is read again from its own start; each of them is bounded.
//
// However the input is cut into pieces, frames and errors (condition and
// offset) are the same.
package parser
