// Package compress is zlib (RFC 1950, RFC 1951) for streams that never end, as
// XEP-0138 wants it, made for servers that hold many of them.
//
// What goes out is compressed without a memory: each call of [Deflate] makes
// complete blocks that refer to nothing before, so a session that is idle, or
// writes, holds nothing. The price is a lower ratio for short writes.
//
// What comes in must be decompressed with a memory, as the client may refer to the
// last 32 KiB of what it sent. An [Inflater] holds as much of that as there has
// been, and tables only inside a block that is not complete. It gives out
// whatever can be decoded of the input, bit by bit: the decoders of the standard
// library and of klauspost/compress hold back what follows the last full flush,
// and the XEP's partial flush leaves a client's last words there.
package compress
