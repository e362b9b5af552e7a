package parser

import "bytes"

const (
	bom       = "\xEF\xBB\xBF"
	declStart = "<?xml"
)

// prolog reads what may stand before the stream header: a byte order mark and
// the XML declaration. White space in front of that, which XML does not allow,
// is skipped: COMPAT(go-sendxmpp) ends its SASL elements with a line break,
// which then comes first on the restarted stream. in begins at the stream's next byte. It returns the
// number of bytes consumed; wait means that more input is needed to go on.
func (st *Stream) prolog(in []byte) (n int, wait bool, fail failure) {
	if st.pos == atStart {
		n, wait, fail = byteOrder(in)
		if wait || fail.condition != "" {
			return n, wait, fail
		}
		st.pos = atDecl
	}
	if n = skipSpace(in, n); n == len(in) {
		return n, true, fail
	}
	rest := in[n:]
	k := min(len(rest), len(declStart))
	switch {
	case string(rest[:k]) != declStart[:k]:
		// No declaration. A processing instruction is refused with the header.
		st.pos = inProlog
		return n, false, fail
	case len(rest) <= len(declStart):
		return n, true, fail
	case !isSpace(rest[len(declStart)]):
		st.pos = inProlog
		return n, false, fail
	}
	end := bytes.Index(rest, []byte("?>"))
	if end < 0 {
		return n, true, fail
	}
	end += len("?>")
	if fail = checkDecl(rest[:end]); fail.condition != "" {
		fail.at += n
		return n, false, fail
	}
	st.pos = inProlog
	return n + end, false, fail
}

// byteOrder judges the first bytes of a stream. RFC 6120 §11.6 forbids to send
// a byte order mark; in UTF-8 it harms nobody and is skipped.
// COMPAT(clients on text libraries that write one).
func byteOrder(in []byte) (n int, wait bool, fail failure) {
	k := min(len(in), len(bom))
	switch {
	case len(in) == 0:
		return 0, true, fail
	case string(in[:k]) == bom[:k]:
		if k < len(bom) {
			return 0, true, fail
		}
		return k, false, fail
	case in[0] == 0xFE || in[0] == 0xFF || in[0] == 0:
		return 0, false, failure{ConditionUnsupportedEncoding, got("UTF-8", in[0]), 0}
	case in[0] != '<':
		return 0, false, fail
	case len(in) == 1:
		return 0, true, fail
	case in[1] == 0:
		return 0, false, failure{ConditionUnsupportedEncoding, got("UTF-8", in[1]), 1}
	}
	return 0, false, fail
}

// checkDecl judges an XML declaration from "<?xml" to "?>" (XML 1.0 [23]).
func checkDecl(decl []byte) failure {
	d := declReader{b: decl[:len(decl)-len("?>")], at: len(declStart)}
	version, ok := d.pseudo("version")
	if !ok {
		return d.failure("the version of the XML declaration")
	}
	if string(version) != "1.0" {
		return failure{ConditionBadFormat, "expected XML version 1.0, got another one", d.at}
	}
	if encoding, ok := d.pseudo("encoding"); ok && !bytes.EqualFold(encoding, []byte("UTF-8")) {
		return failure{ConditionUnsupportedEncoding, "expected the encoding UTF-8, got another one", d.at}
	}
	if alone, ok := d.pseudo("standalone"); ok && string(alone) != "yes" && string(alone) != "no" {
		return failure{ConditionNotWellFormed, "expected yes or no for standalone, got something else", d.at}
	}
	d.at = skipSpace(d.b, d.at)
	if d.at < len(d.b) {
		return d.failure("'?>' at the end of the XML declaration")
	}
	return failure{}
}

// declReader reads the pseudo attributes of an XML declaration.
type declReader struct {
	b  []byte
	at int
}

func (d *declReader) failure(want string) failure {
	at := skipSpace(d.b, d.at)
	if at == len(d.b) {
		return failure{ConditionNotWellFormed, got(want, '?'), at}
	}
	return failure{ConditionNotWellFormed, got(want, d.b[at]), at}
}

// pseudo reads one pseudo attribute if it is the given one, with the white space
// before it.
func (d *declReader) pseudo(name string) (value []byte, ok bool) {
	i := skipSpace(d.b, d.at)
	if i == d.at || !bytes.HasPrefix(d.b[i:], []byte(name)) {
		return nil, false
	}
	i = skipSpace(d.b, i+len(name))
	if i == len(d.b) || d.b[i] != '=' {
		return nil, false
	}
	i = skipSpace(d.b, i+1)
	if i == len(d.b) || d.b[i] != '\'' && d.b[i] != '"' {
		return nil, false
	}
	end := bytes.IndexByte(d.b[i+1:], d.b[i])
	if end < 0 {
		return nil, false
	}
	d.at = i + 1 + end + 1
	return d.b[i+1 : i+1+end], true
}

// headerEnd judges the root of the stream, whose start tag ends at end
// (RFC 6120 §4.8.1, §4.9.3.2, §4.9.3.10). Any prefix will do.
func (s *state) headerEnd(b []byte, end int, empty bool) (int, verdict) {
	at := int(s.name.off())
	if string(s.uriIn(b, s.ns)) != nsStreams {
		if s.name.prefixLen() == 0 {
			for _, d := range s.binds {
				if string(s.uriIn(b, d.uri)) == nsStreams {
					return s.fail(ConditionBadNamespacePrefix, at, "expected the prefix of the streams namespace on the root, got none")
				}
			}
		}
		return s.fail(ConditionInvalidNamespace, at, "expected the streams namespace on the root, got another one")
	}
	if string(s.name.local(b)) != "stream" {
		return s.fail(ConditionBadFormat, at, "expected the root element stream, got another one")
	}
	if empty {
		return s.fail(ConditionBadFormat, at, "expected an open stream header, got an empty element")
	}
	return end, done
}
