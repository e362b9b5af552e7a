package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// origin is where a value was said: a place in a file, or an argument.
type origin struct {
	source string // file name, or "--set c2s.listen", or "--c2s"; "": the default
	line   int    // from 1; 0: not a file
	column int    // from 1, in bytes
}

func (o origin) String() string {
	if o.line == 0 {
		return o.source
	}
	return fmt.Sprintf("%s:%d:%d", o.source, o.line, o.column)
}

// compare orders by place in the file; arguments come after it.
func (o origin) compare(other origin) int {
	if (o.line == 0) != (other.line == 0) {
		return other.line - o.line
	}
	return cmp.Or(o.line-other.line, o.column-other.column)
}

// configError is one fault of the configuration. It says where, what was
// found, what would be accepted, and how to mend it.
type configError struct {
	at      origin
	key     string // dotted; "" when the fault has none, such as a syntax error
	value   string // as TOML; "" when the fault is not about a value
	problem string
	accept  string // what the key takes; may be empty
	mend    string // what to do; may be empty
}

// Error is one line: "file:line:column: key = value: problem; accepted: …; mend".
func (e *configError) Error() string {
	var b strings.Builder
	b.WriteString(e.at.String())
	if e.key != "" && !strings.HasSuffix(e.at.source, "--set "+e.key) {
		b.WriteString(": " + e.key)
	}
	if e.value != "" {
		b.WriteString(" = " + e.value)
	}
	b.WriteString(": " + e.problem)
	if e.accept != "" {
		b.WriteString("; accepted: " + e.accept)
	}
	if e.mend != "" {
		b.WriteString("; " + e.mend)
	}
	return b.String()
}

// configErrors gathers faults so that one run reports all of them.
type configErrors []*configError

func (es *configErrors) add(e *configError) { *es = append(*es, e) }

func (es configErrors) sort() {
	slices.SortStableFunc(es, func(a, b *configError) int { return a.at.compare(b.at) })
}

// err joins the faults, one a line; nil when there are none.
func (es configErrors) err() error {
	all := make([]error, len(es))
	for i, e := range es {
		all[i] = e
	}
	return errors.Join(all...)
}

// nearest is the candidate that a mistyped word most likely meant, or "" when
// none is near (more than a third of the letters differ).
func nearest(word string, candidates []string) string {
	best, bestDistance := "", 1+max(1, len(word)/3)
	for _, c := range candidates {
		if d := editDistance(word, c); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// editDistance is Levenshtein's.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
