package session

import (
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// Namespaces of XEP-0138 (version 2.1).
const (
	NSCompressFeature = "http://jabber.org/features/compress"
	NSCompress        = "http://jabber.org/protocol/compress"
)

// CompressionFailed ends a stream whose compressed input cannot be read.
var CompressionFailed = stanza.StreamError{Condition: stanza.StreamUndefinedCondition,
	App: "<failure xmlns='" + NSCompress + "'><processing-failed/></failure>"} // never written

// mayCompress tells whether compression is offered: after authentication, before
// a resource is bound, once.
func (s *Session) mayCompress() bool {
	return s.cfg.Compress && s.state == stateBind && !s.login.compressed
}

// appendCompression offers zlib.
func (s *Session) appendCompression(b []byte) []byte {
	if !s.mayCompress() {
		return b
	}
	return append(b, "<compression xmlns='"+NSCompressFeature+"'><method>zlib</method></compression>"...)
}

// compress takes an element of XEP-0138. A failure leaves the stream as it is: the
// client may go on without, as it must once a resource is bound.
func (s *Session) compress(f *parser.Frame, out *Out) {
	switch {
	case string(f.Local()) != "compress":
		s.Fail(stanza.StreamError{Condition: stanza.StreamUnsupportedStanzaType}, out)
	case !s.mayCompress():
		out.Bytes = appendCompressFailure(out.Bytes, "setup-failed")
	case !wantsZlib(f.Element()):
		out.Bytes = appendCompressFailure(out.Bytes, "unsupported-method")
	default:
		out.Bytes = append(out.Bytes, "<compressed xmlns='"+NSCompress+"'/>"...)
		out.Compress = true
		s.login.compressed = true
		s.restart(s.cfg.Bound)
	}
}

// wantsZlib tells whether zlib is among the methods that a <compress/> names: XEP-0138 §8.2
// has room for several.
func wantsZlib(e parser.Element) bool {
	for child := range e.Children() {
		if child.Is(NSCompress, "method") && string(child.AppendText(nil)) == "zlib" {
			return true
		}
	}
	return false
}

func appendCompressFailure(b []byte, condition string) []byte {
	b = append(b, "<failure xmlns='"+NSCompress+"'><"...)
	return append(append(b, condition...), "/></failure>"...)
}
