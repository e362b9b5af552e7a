package session

import (
	"strings"
	"unicode/utf8"

	"github.com/xylem-im/xylem/parser"
)

// agent is what a client says of itself, XEP-0388 §2.3. It is told to the
// account's owner and to the operator, and to nobody else.
type agent struct {
	id               string // a UUID in lower case; "": not said
	software, device string // cut to maxAgentText bytes
}

// maxAgentText bounds what is kept of <software/> and of <device/>, in bytes.
const maxAgentText = 128

// readAgent copies a <user-agent/>; false when its id is none.
func readAgent(e parser.Element) (a agent, ok bool) {
	if raw, said := e.Attr("id"); said {
		if a.id, ok = parseUUID(string(parser.Unescape(raw))); !ok {
			return a, false
		}
	}
	a.software = agentText(e.Child(NSSASL2, "software"))
	a.device = agentText(e.Child(NSSASL2, "device"))
	return a, true
}

// parseUUID brings a UUID into lower case. COMPAT(clients): XEP-0388 wants
// version 4; those who make other versions name their installation as well.
func parseUUID(s string) (id string, ok bool) {
	if len(s) != 36 {
		return "", false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return "", false
			}
		case !('0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'):
			return "", false
		}
	}
	return strings.ToLower(s), true
}

// agentText is a bounded copy of a text, without control characters: an
// operator will see it in a terminal.
func agentText(e parser.Element) string {
	text := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, string(e.AppendText(nil)))
	if len(text) <= maxAgentText {
		return text
	}
	cut := maxAgentText
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut]
}
