package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// cell is one value of a table for a terminal.
type cell struct {
	main   string
	spread string // what main lies between; "": nothing to show
}

// line is the cell in one line.
func (c cell) line() string {
	if c.spread == "" {
		return c.main
	}
	return c.main + " (" + c.spread + ")"
}

// grid is a table for a terminal.
type grid struct {
	head  []string // of the columns beside that of names
	names []string // of the rows
	rows  [][]cell // as many as names, each as long as head
	whole bool     // columns belong together
}

func (g *grid) add(name string, cells ...cell) {
	g.names = append(g.names, name)
	g.rows = append(g.rows, cells)
}

const gap = 3 // between columns

// write makes the table fit into width columns of text: if need be spreads go
// below the values, and then columns into tables below each other. One column
// of values is written however narrow the terminal is.
func (g *grid) write(w io.Writer, width int) error {
	first := 0
	for _, name := range g.names {
		first = max(first, utf8.RuneCountInString(name)+2)
	}
	widths := g.widths(false)
	folded := first+sum(widths) > width
	if folded {
		widths = g.widths(true)
	}
	for from := 0; from < len(g.head); {
		to, used := from, first
		for to < len(g.head) && (g.whole || to == from || used+widths[to] <= width) {
			used += widths[to]
			to++
		}
		if err := g.part(w, first, from, to, widths, folded); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// widths of the columns with the gap before them.
func (g *grid) widths(folded bool) []int {
	widths := make([]int, len(g.head))
	for i, h := range g.head {
		widths[i] = utf8.RuneCountInString(h)
		for _, row := range g.rows {
			c := row[i]
			if folded {
				widths[i] = max(widths[i], utf8.RuneCountInString(c.main), utf8.RuneCountInString(c.spread))
			} else {
				widths[i] = max(widths[i], utf8.RuneCountInString(c.line()))
			}
		}
		widths[i] += gap
	}
	return widths
}

// part writes the columns from ≤ i < to.
func (g *grid) part(w io.Writer, first, from, to int, widths []int, folded bool) error {
	var b strings.Builder
	put := func(name string, text func(i int) string) {
		line := pad(name, first)
		for i := from; i < to; i++ {
			line += strings.Repeat(" ", gap) + pad(text(i), widths[i]-gap)
		}
		if line = strings.TrimRight(line, " "); line != "" {
			fmt.Fprintln(&b, line)
		}
	}
	put("", func(i int) string { return g.head[i] })
	for r, name := range g.names {
		row := g.rows[r]
		if !folded {
			put("  "+name, func(i int) string { return row[i].line() })
			continue
		}
		put("  "+name, func(i int) string { return row[i].main })
		put("", func(i int) string { return row[i].spread })
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}

func sum(list []int) (n int) {
	for _, v := range list {
		n += v
	}
	return n
}
