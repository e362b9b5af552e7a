package parser

// isDeclaration reports whether name is xmlns or xmlns:something.
func isDeclaration(name qname, b []byte) bool {
	const xmlns = "xmlns"
	if name.prefixLen() == 0 {
		return string(name.all(b)) == xmlns
	}
	return string(name.prefix(b)) == xmlns
}

// declare takes note of the declaration in the tag being read whose value ends
// at end.
func (s *state) declare(b []byte, end int) verdict {
	t := &s.tag
	at := int(t.attr.off())
	d := binding{uri: nsRef{off: uint32(t.valOff), n: uint32(end - t.valOff)}}
	uri := b[t.valOff:end]
	if t.special {
		d.uri = s.refer(uri, t.valOff)
		uri = s.uriIn(b, d.uri)
	}
	if t.attr.prefixLen() > 0 {
		skip := t.attr.prefixLen() + 1
		d.prefix = span{off: t.attr.off() + skip, n: t.attr.size() - skip}
	}
	for _, other := range s.binds[t.bindBase:] {
		if string(other.prefix.of(b)) == string(d.prefix.of(b)) {
			_, v := s.fail(ConditionNotWellFormed, at, "expected another declaration, got the same one again")
			return v
		}
	}
	if len(s.binds)+len(s.header.binds) >= s.lim.Bindings {
		_, v := s.fail(ConditionPolicyViolation, at, limitDetail("bindings", s.lim.Bindings))
		return v
	}
	if detail := reserved(d.prefix.of(b), uri); detail != "" {
		_, v := s.fail(ConditionNotWellFormed, at, detail)
		return v
	}
	if d.prefix.n == 0 {
		s.def = d.uri
	} else {
		d.uri = s.canonicalRef(b, d.uri, uri)
	}
	s.binds = append(s.binds, d)
	return goOn
}

// canonicalRef returns the nsRef of a prefix in scope that is bound to uri
// already, otherwise ref. So prefixes are bound to the same namespace if and only
// if their nsRefs are equal, and each URI is compared when it is declared, not
// for each pair of attributes: that would let a few long, similar URIs cost a
// hundred times what it costs to send them.
func (s *state) canonicalRef(b []byte, ref nsRef, uri []byte) nsRef {
	if string(uri) == nsXML {
		return nsRef{n: refXML}
	}
	for i := range s.header.binds {
		if h := &s.header.binds[i]; len(h.Prefix) > 0 && string(h.URI) == string(uri) {
			return nsRef{off: uint32(i), n: refHeader}
		}
	}
	s.buf = b
	for i := range s.binds {
		if o := &s.binds[i]; o.prefix.n > 0 && string(s.uri(o.uri)) == string(uri) {
			return o.uri
		}
	}
	return ref
}

// reserved holds the namespace constraints of Namespaces in XML §3 and §5 on a
// declaration. It returns what is wrong.
func reserved(prefix, uri []byte) string {
	switch string(prefix) {
	case "xmlns":
		return "expected a prefix to declare, got xmlns"
	case "xml":
		if string(uri) != nsXML {
			return "expected the XML namespace for the prefix xml, got another one"
		}
		return ""
	case "":
	default:
		if len(uri) == 0 {
			return "expected a namespace for a prefix, got the empty one"
		}
	}
	switch string(uri) {
	case nsXML:
		return "expected the prefix xml for the XML namespace, got another one"
	case nsXMLNS:
		return "expected a namespace, got that of xmlns"
	}
	return ""
}

// uriIn is Frame.uri while the frame is being scanned in b.
func (s *state) uriIn(b []byte, r nsRef) []byte {
	s.buf = b
	return s.uri(r)
}

// resolve returns what the prefix of name is bound to at this place, and takes
// note if that is a binding of the header.
func (s *state) resolve(b []byte, name qname) (nsRef, bool) {
	for i := len(s.binds) - 1; i >= 0; i-- {
		p := s.binds[i].prefix
		if p.n == name.prefixLen() && same(b, p.off, name.off(), p.n) {
			return s.binds[i].uri, true
		}
	}
	prefix := name.prefix(b)
	if string(prefix) == "xml" {
		return nsRef{n: refXML}, true
	}
	i := s.header.find(prefix)
	if i < 0 {
		return nsRef{}, false
	}
	s.used[i>>6] |= 1 << (i & 63)
	return nsRef{off: uint32(s.header.first(i)), n: refHeader}, true
}

// resolveAttrs resolves the prefixes of the tag's attributes and holds that no
// two have the same expanded name (Namespaces in XML §6.3). If something is
// wrong, it tells where and what.
func (s *state) resolveAttrs(b []byte) (at int, detail string) {
	attrs := s.attrBuf[s.tag.attrBase:]
	for i := range attrs {
		a := &attrs[i]
		if a.name.prefixLen() == 0 {
			continue
		}
		var ok bool
		if a.ns, ok = s.resolve(b, a.name); !ok {
			return int(a.name.off()), "expected a declared prefix of an attribute, got another one"
		}
		if s.tag.prefixed < 2 {
			continue
		}
		for j := range attrs[:i] {
			o := &attrs[j]
			if o.name.prefixLen() > 0 && o.ns == a.ns && string(o.name.local(b)) == string(a.name.local(b)) {
				return int(a.name.off()), "expected another attribute, got one of the same namespace and name"
			}
		}
	}
	return 0, ""
}
