package parser

// Writer builds XML by appending to a buffer. What it writes is well formed if
// the names given to it are names and every Start has its End. The zero value is
// ready; nothing is allocated once its buffer and stack have grown.
type Writer struct {
	buf   []byte
	stack []span // names of open elements in buf
	inTag bool   // the '>' of the last start tag is not written
}

// Reset makes w append to dst and forget open elements.
func (w *Writer) Reset(dst []byte) {
	w.buf, w.stack, w.inTag = dst, w.stack[:0], false
}

// Bytes returns what was written, after what Reset gave. A start tag that could
// still get attributes is closed. Valid until the next call on w.
func (w *Writer) Bytes() []byte {
	w.closeTag()
	return w.buf
}

// Depth returns the number of open elements.
func (w *Writer) Depth() int { return len(w.stack) }

// Start begins an element; name may have a prefix.
func (w *Writer) Start(name string) {
	w.closeTag()
	w.buf = append(w.buf, '<')
	w.stack = append(w.stack, span{uint32(len(w.buf)), uint32(len(name))})
	w.buf = append(w.buf, name...)
	w.inTag = true
}

// Attr adds an attribute to the element just begun, escaping value. Without
// such an element it does nothing.
func (w *Writer) Attr(name, value string) {
	if w.attrName(name) {
		w.buf = append(AppendAttr(w.buf, value), '\'')
	}
}

// AttrBytes is Attr for a value in bytes.
func (w *Writer) AttrBytes(name string, value []byte) {
	if w.attrName(name) {
		w.buf = append(AppendAttr(w.buf, value), '\'')
	}
}

// AttrRaw adds an attribute whose value is already escaped, as [Frame.Attr]
// gives it. Such a value may contain one kind of quote; the other is used.
func (w *Writer) AttrRaw(name string, value []byte) {
	if !w.attrName(name) {
		return
	}
	quote := byte('\'')
	for _, c := range value {
		if c == '\'' {
			quote = '"'
			w.buf[len(w.buf)-1] = quote
			break
		}
	}
	w.buf = append(append(w.buf, value...), quote)
}

// attrName writes " name='".
func (w *Writer) attrName(name string) bool {
	if w.inTag {
		w.buf = append(append(append(w.buf, ' '), name...), "='"...)
	}
	return w.inTag
}

// Text adds character data, escaping it.
func (w *Writer) Text(s string) {
	w.closeTag()
	w.buf = AppendText(w.buf, s)
}

// TextBytes is Text for bytes.
func (w *Writer) TextBytes(s []byte) {
	w.closeTag()
	w.buf = AppendText(w.buf, s)
}

// Raw adds XML as it is. The caller vouches for it.
func (w *Writer) Raw(xml []byte) {
	w.closeTag()
	w.buf = append(w.buf, xml...)
}

// End ends the element begun last, as <x/> if nothing was written inside it.
// Without an open element it does nothing.
func (w *Writer) End() {
	last := len(w.stack) - 1
	if last < 0 {
		return
	}
	name := w.stack[last]
	w.stack = w.stack[:last]
	if w.inTag {
		w.inTag = false
		w.buf = append(w.buf, "/>"...)
		return
	}
	w.buf = append(w.buf, "</"...)
	w.buf = append(append(w.buf, w.buf[name.off:name.off+name.n]...), '>')
}

// Element writes an element that contains only text.
func (w *Writer) Element(name, text string) {
	w.Start(name)
	if text != "" {
		w.Text(text)
	}
	w.End()
}

func (w *Writer) closeTag() {
	if w.inTag {
		w.buf = append(w.buf, '>')
		w.inTag = false
	}
}
