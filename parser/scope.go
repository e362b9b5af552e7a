package parser

import "bytes"

// scope is the path from the top element to the start tag whose prefixes were
// looked up last, with the prefixes declared along it. Looking up prefixes in
// document order, as walks do, takes time linear in the frame altogether, even
// if every element has a prefix; going back costs a walk along the siblings.
// Most frames have no prefix below the first level and need none of this.
type scope struct {
	levels []level
	binds  []binding // prefixes declared by the levels, outermost first
}

// level is an element on the path.
type level struct {
	start, tagEnd, end uint32
	at                 uint32 // in its content; no child that begins before it contains the target
	binds              uint32 // number of bindings around it
}

// lookup returns the namespace that prefix is bound to in the start tag at
// target.
func (f *Frame) lookup(prefix []byte, target uint32) nsRef {
	if string(prefix) == "xml" {
		return nsRef{n: refXML}
	}
	f.ascend(target)
	for len(f.scope.levels) == 0 || f.scope.levels[len(f.scope.levels)-1].start != target {
		f.descend(target)
	}
	for i := len(f.scope.binds) - 1; i >= 0; i-- {
		if string(f.scope.binds[i].prefix.of(f.buf)) == string(prefix) {
			return f.scope.binds[i].uri
		}
	}
	return nsRef{off: uint32(f.header.find(prefix)), n: refHeader}
}

// ascend shortens the path to the elements that contain target.
func (f *Frame) ascend(target uint32) {
	sc := &f.scope
	for last := len(sc.levels) - 1; last >= 0; last-- {
		l := &sc.levels[last]
		if l.start <= target && target < l.end {
			if target < l.at {
				l.at = l.tagEnd
			}
			return
		}
		sc.binds = sc.binds[:l.binds]
		if last > 0 && l.end <= target {
			sc.levels[last-1].at = l.end
		}
		sc.levels = sc.levels[:last]
	}
}

// descend makes the path longer by the child that contains target.
func (f *Frame) descend(target uint32) {
	sc := &f.scope
	if len(sc.levels) == 0 {
		f.enter(0, uint32(len(f.buf)))
		return
	}
	l := &sc.levels[len(sc.levels)-1]
	for {
		l.at += uint32(bytes.IndexByte(f.buf[l.at:], '<'))
		if f.buf[l.at+1] == '!' {
			l.at += uint32(bytes.Index(f.buf[l.at:], cdataEnd) + len(cdataEnd))
			continue
		}
		end := uint32(skipElement(f.buf, int(l.at)))
		if target < end {
			f.enter(l.at, end)
			return
		}
		l.at = end
	}
}

// enter adds the element from start to end to the path.
func (f *Frame) enter(start, end uint32) {
	sc := &f.scope
	around := uint32(len(sc.binds))
	t := tagReader{b: f.buf, at: int(start) + 1}
	t.readName()
	for t.next() {
		if n := nameOf(t.name, 0); n.prefixLen() > 0 && isDeclaration(n, t.name) {
			skip := n.prefixLen() + 1
			sc.binds = append(sc.binds, binding{
				prefix: span{off: uint32(t.nameAt) + skip, n: n.size() - skip},
				uri:    f.refer(t.value, t.at-1-len(t.value)),
			})
		}
	}
	sc.levels = append(sc.levels, level{start: start, tagEnd: uint32(t.end), end: end, at: uint32(t.end), binds: around})
}
