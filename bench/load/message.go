package load

import "strings"

// MinPayload is the smallest chat stanza: its tags, addresses and token.
const MinPayload = 150

// filler is what bodies are made of. Nothing in it needs escaping, so a stanza
// has the same size in every server.
var filler = strings.Repeat("the quick brown fox jumps over the lazy dog and runs away; ", 16)

// template builds one sender's messages to one receiver.
type template struct {
	head string // up to the value of id
	run  string
	tail string // from the end of the body
	size int    // of the whole stanza, in bytes
}

// newTemplate takes the bytes of the whole stanza, and the XML that goes behind
// the body.
func newTemplate(to, run string, size int, content string) template {
	return template{head: "<message to='" + to + "' type='chat' id='", run: run, tail: "</body>" + content + "</message>", size: size}
}

const messageOpen = "'><body>"

// append adds one message.
func (t *template) append(dst []byte, tok token) []byte {
	start := len(dst)
	dst = append(dst, t.head...)
	dst = tok.append(dst, t.run)
	dst = append(dst, messageOpen...)
	for room := t.size - len(t.tail) - (len(dst) - start); room > 0; {
		n := min(room, len(filler))
		dst = append(dst, filler[:n]...)
		room -= n
	}
	return append(dst, t.tail...)
}
