package jid

// class says in which parts of a canonical address an ASCII byte may stand.
type class uint8

const (
	inLocal    class = 1 << iota // may stand in a prepared localpart
	inDomain                     // lower-case letter or digit
	inResource                   // printable ASCII and the space
)

// classes is the table of all bytes; bytes of multi-byte characters have none.
var classes = func() (t [256]class) {
	for c := ' '; c <= '~'; c++ {
		t[c] |= inResource
		if c != ' ' && (c < 'A' || c > 'Z') && !excluded(byte(c)) {
			t[c] |= inLocal
		}
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			t[c] |= inDomain
		}
	}
	return t
}()

// excluded tells the characters that RFC 7622 §3.3.1 excludes from localparts.
func excluded(c byte) bool {
	switch c {
	case '"', '&', '\'', '/', ':', '<', '>', '@':
		return true
	}
	return false
}

// scanCanonical tells whether s is an address in canonical form made of ASCII
// only, and how long its parts are. It never answers yes for a string that
// preparation would change or refuse; it may answer no for one that
// preparation would leave alone (characters beyond ASCII, IPv6 addresses).
func scanCanonical(s string) (local, domain uint16, ok bool) {
	i := 0
	for i < len(s) && classes[s[i]]&inLocal != 0 {
		i++
	}
	start := 0
	if i < len(s) && s[i] == '@' {
		if i == 0 || i > MaxPart {
			return 0, 0, false
		}
		local = uint16(i)
		start = i + 1
	}
	n, ok := scanName(s[start:])
	if !ok {
		return 0, 0, false
	}
	if end := start + n; end < len(s) && !printable(s[end+1:]) {
		return 0, 0, false
	}
	return local, uint16(n), true
}

// scanName measures the canonical ASCII domain name at the start of s, which
// ends with s or at a "/". Labels with a hyphen in the third and fourth place
// are left to the slow path: they may be A-labels.
func scanName(s string) (n int, ok bool) {
	label := 0 // start of the label
	for {
		for n < len(s) && classes[s[n]]&inDomain != 0 {
			n++
		}
		if n == len(s) || s[n] == '/' {
			return n, labelEnds(s, label, n) && n <= maxName
		}
		switch s[n] {
		case '-':
			if n == label || n == label+3 && s[n-1] == '-' {
				return 0, false
			}
		case '.':
			if !labelEnds(s, label, n) {
				return 0, false
			}
			label = n + 1
		default:
			return 0, false
		}
		n++
	}
}

// labelEnds tells whether a label from start may end before end.
func labelEnds(s string, start, end int) bool {
	return end > start && end-start <= maxLabel && s[end-1] != '-'
}

// printable tells whether s is 1 to MaxPart bytes of printable ASCII, spaces
// included: a resourcepart that needs no preparation.
func printable(s string) bool {
	if len(s) == 0 || len(s) > MaxPart {
		return false
	}
	all := inResource
	for i := 0; i < len(s); i++ {
		all &= classes[s[i]]
	}
	return all != 0
}
