package stanzatest

import (
	"encoding/xml"
	"io"
)

// Next decodes into v the next element below the stream that d reads, for clients
// of tests. Headers are passed over: the streams before and after a login are nested
// for the decoder, which does not matter. io.EOF is </stream:stream>.
func Next(d *xml.Decoder, v any) error {
	for {
		tok, err := d.Token()
		if err != nil {
			return err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if tok.Name.Local != "stream" {
				return d.DecodeElement(v, &tok)
			}
		case xml.EndElement:
			return io.EOF
		}
	}
}
