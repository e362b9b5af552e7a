package stanza

import (
	"bytes"
	"time"
)

// delayLayout is XEP-0082 §3.2 with milliseconds.
const delayLayout = "2006-01-02T15:04:05.000Z"

// AppendDelayed appends the rendered stanza st with the mark of a delay as its
// last child (XEP-0203 §3): by is who delayed it, at when it came, Unix
// nanoseconds. dst may be what stands before st in the same memory, which is
// then changed in place.
func AppendDelayed(dst, st []byte, by string, at int64) []byte {
	dst, name := appendOpened(dst, st)
	dst = append(dst, "<delay xmlns='"+NSDelay+"'"...)
	dst = AppendAttr(dst, "from", by)
	dst = append(dst, " stamp='"...)
	dst = time.Unix(0, at).UTC().AppendFormat(dst, delayLayout)
	return appendClosed(append(dst, "'/>"...), name)
}

// appendOpened appends the rendered stanza st up to where its next child would
// stand; name is the one to be closed.
func appendOpened(dst, st []byte) (_, name []byte) {
	name = st[1 : 1+bytes.IndexAny(st[1:], " \t\r\n/>")]
	if open, empty := bytes.CutSuffix(st, []byte("/>")); empty {
		return append(append(dst, open...), '>'), name
	}
	return append(dst, st[:bytes.LastIndexByte(st, '<')]...), name
}

func appendClosed(dst, name []byte) []byte {
	return append(append(append(dst, "</"...), name...), '>')
}
