package parser_test

import (
	"fmt"

	"github.com/xylem-im/xylem/parser"
)

// A loop reads what came, hands it to Next together with what was left, and keeps
// what was not consumed.
func ExampleScanner_Next() {
	var (
		stream  parser.Stream // of the connection
		scanner = parser.NewScanner()
		partial []byte
	)
	for _, came := range []string{
		"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='example.org'>",
		"<message to='a@example.org'><body>x</bo",
		"dy></message></stream:stream>",
	} {
		partial = append(partial, came...)
		for {
			frame, n, err := scanner.Next(&stream, partial)
			if err != nil {
				fmt.Println(err)
				return
			}
			if frame != nil {
				to, _ := frame.To()
				fmt.Printf("%s %s to=%q\n", frame.Kind(), frame.Local(), to)
			}
			partial = partial[n:] // the frame is not used any more
			if frame == nil {
				break
			}
		}
	}
	// Output:
	// StreamOpen stream to="example.org"
	// Stanza message to="a@example.org"
	// StreamClose stream to=""
}

func ExampleParse() {
	root, err := parser.Parse([]byte("<vCard xmlns='vcard-temp'><FN>J. Capulet &amp; Co</FN></vCard>"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", root.Child("vcard-temp", "FN").AppendText(nil))
	// Output: J. Capulet & Co
}
