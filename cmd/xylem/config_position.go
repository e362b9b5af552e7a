package main

import (
	"fmt"

	"github.com/pelletier/go-toml/v2/unstable"
)

// positions maps each key of a document to where it is written; items of
// arrays of tables are "tls.certificate[0].cert". The document must have been
// decoded without an error. Only the syntax tree knows positions, so this
// file is the one place that uses the library's unstable package; if it
// should change, messages lose their line and nothing else.
func positions(doc []byte) map[string]origin {
	w := positionWalk{at: make(map[string]origin), count: make(map[string]int)}
	w.parser.Reset(doc)
	table := ""
	for w.parser.NextExpression() {
		e := w.parser.Expression()
		switch e.Kind {
		case unstable.Table:
			path, _ := w.path("", e.Key())
			table = path + "."
		case unstable.ArrayTable:
			path, here := w.path("", e.Key())
			item := fmt.Sprintf("%s[%d]", path, w.count[path])
			w.count[path]++
			w.at[item] = here
			table = item + "."
		case unstable.KeyValue:
			w.keyValue(table, e)
		}
	}
	return w.at
}

type positionWalk struct {
	parser unstable.Parser
	at     map[string]origin
	count  map[string]int // tables so far of each array of tables
}

// path joins a dotted key to prefix and notes where each part stands; the
// first mention counts. It returns where the last part stands here.
func (w *positionWalk) path(prefix string, key unstable.Iterator) (path string, here origin) {
	path = prefix
	for key.Next() {
		n := key.Node()
		if path != prefix {
			path += "."
		}
		path += string(n.Data)
		start := w.parser.Shape(n.Raw).Start
		here = origin{line: start.Line, column: start.Column}
		if _, known := w.at[path]; !known {
			w.at[path] = here
		}
	}
	return path, here
}

func (w *positionWalk) keyValue(prefix string, e *unstable.Node) {
	path, _ := w.path(prefix, e.Key())
	w.value(path, e.Value())
}

// value looks into inline tables and arrays of them.
func (w *positionWalk) value(path string, v *unstable.Node) {
	switch v.Kind {
	case unstable.InlineTable:
		for it := v.Children(); it.Next(); {
			w.keyValue(path+".", it.Node())
		}
	case unstable.Array:
		i := 0
		for it := v.Children(); it.Next(); i++ {
			item := fmt.Sprintf("%s[%d]", path, i)
			w.at[item] = w.at[path]
			w.value(item, it.Node())
		}
	}
}
