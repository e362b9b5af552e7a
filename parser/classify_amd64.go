package parser

import "golang.org/x/sys/cpu"

// canClassify tells whether classify may be called. Never written.
var canClassify = cpu.X86.HasAVX2

// classify fills in the bitmaps of m, from the word of that number on, for so many
// blocks of bytes at b, of which there is at least one.
//
//go:noescape
func classify(m *marks, from int, b *byte, blocks int)
