package roster

import (
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// framer makes a View of a stanza that was rendered here, for filters to look
// at.
type framer struct {
	scanner *parser.Scanner
	stream  parser.Stream
	limits  parser.Limits
}

const header = "<stream:stream xmlns='" + stanza.NSClient + "' xmlns:stream='" + stanza.NSStream + "'>"

func newFramer() *framer {
	return &framer{scanner: parser.NewScanner(), limits: parser.Limits{StanzaBytes: 1 << 30}.WithDefaults()}
}

// read frames st. The view is valid until the next call or until st changes.
func (f *framer) read(st []byte) (stanza.View, error) {
	f.scanner.Release(&f.stream)
	f.stream.Reset(&f.limits)
	if _, _, err := f.scanner.Next(&f.stream, []byte(header)); err != nil {
		return stanza.View{}, err
	}
	frame, _, err := f.scanner.Next(&f.stream, st)
	if err != nil {
		return stanza.View{}, err
	}
	if frame == nil {
		return stanza.View{}, errFormat
	}
	v, ok := stanza.Of(frame)
	if !ok {
		return stanza.View{}, errFormat
	}
	return v, nil
}
