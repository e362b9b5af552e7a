package storage

import (
	"bytes"
	"fmt"
	"strings"
)

// Stores that have one flat ordered key space write (owner, collection, key) as
//
//	escape(owner) 00 01 escape(collection) 00 01 key
//
// where escape replaces 00 by 00 FF. The terminator sorts before every escaped
// byte, so the encoding is injective, keeps the order of the triples, and no
// owner's keys are mixed with another's.
const (
	escaped    = 0xFF
	terminator = 0x01
)

// AppendKey appends the encoding of (owner, collection, key) to dst.
func AppendKey(dst []byte, owner, collection string, key []byte) []byte {
	return append(AppendCollectionPrefix(dst, owner, collection), key...)
}

// AppendCollectionPrefix appends what all keys of (owner, collection) begin with.
func AppendCollectionPrefix(dst []byte, owner, collection string) []byte {
	return appendPart(AppendOwnerPrefix(dst, owner), collection)
}

// AppendOwnerPrefix appends what all keys of owner begin with.
func AppendOwnerPrefix(dst []byte, owner string) []byte {
	return appendPart(dst, owner)
}

func appendPart(dst []byte, part string) []byte {
	return append(appendEscaped(dst, part), 0, terminator)
}

// partSize returns what appendPart appends.
func partSize(part string) int { return len(part) + strings.Count(part, "\x00") + 2 }

func appendEscaped(dst []byte, part string) []byte {
	for i := range len(part) {
		dst = append(dst, part[i])
		if part[i] == 0 {
			dst = append(dst, escaped)
		}
	}
	return dst
}

// SplitKey takes an encoded key apart. The parts are new memory, apart from key,
// which borrows from enc. The error wraps ErrFormat: no AppendKey made enc.
func SplitKey(enc []byte) (owner, collection string, key []byte, err error) {
	o, rest, ok := cutPart(enc)
	if ok {
		var c []byte
		if c, rest, ok = cutPart(rest); ok {
			return string(o), string(c), rest, nil
		}
	}
	return "", "", nil, fmt.Errorf("%w: malformed key of %d bytes", ErrFormat, len(enc))
}

// cutPart returns the first part, which borrows from enc unless it held an
// escape, and what follows its terminator.
func cutPart(enc []byte) (part, rest []byte, ok bool) {
	begin := 0
	for {
		i := bytes.IndexByte(enc[begin:], 0)
		if i < 0 || begin+i+1 >= len(enc) {
			return nil, nil, false
		}
		i += begin
		switch enc[i+1] {
		case terminator:
			if part == nil {
				return enc[:i], enc[i+2:], true
			}
			return append(part, enc[begin:i]...), enc[i+2:], true
		case escaped:
			part = append(part, enc[begin:i+1]...)
			begin = i + 2
		default:
			return nil, nil, false
		}
	}
}

// PrefixEnd returns the smallest key that is greater than all keys that begin
// with prefix, in new memory; nil if there is none (prefix is empty or all FF).
func PrefixEnd(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xFF {
			end := bytes.Clone(prefix[:i+1])
			end[i]++
			return end
		}
	}
	return nil
}

// ScanBounds returns the encoded bounds of the Scan op: lower inclusive, upper
// exclusive. It works alike for DeleteRange steps.
func ScanBounds(owner, collection string, from, to []byte) (lower, upper []byte) {
	prefix := AppendCollectionPrefix(nil, owner, collection)
	if len(to) == 0 {
		upper = PrefixEnd(prefix)
	} else {
		upper = append(bytes.Clone(prefix), to...)
	}
	return append(prefix, from...), upper
}
