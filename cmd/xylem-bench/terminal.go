package main

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// terminal returns the file behind w when that is a terminal that can move its
// cursor.
func terminal(w io.Writer) (*os.File, bool) {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return nil, false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return f, err == nil
}

// columns is how wide what is written to w may be: as the terminal, or 120 where
// there is none.
func columns(w io.Writer) int {
	const usual = 120
	f, ok := terminal(w)
	if !ok {
		return usual
	}
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil || size.Col == 0 {
		return usual
	}
	return int(size.Col)
}
