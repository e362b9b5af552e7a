package hugepages

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"strconv"
	"unsafe"
)

// span is a range of addresses.
type span struct{ from, to uintptr }

// regionBits: two addresses of the heap agree above these, as the runtime reserves
// its arenas one behind the other (runtime, mallocinit). What the kernel places by
// itself, such as mapped files, is elsewhere.
const regionBits = 40

// heapSpans are the mappings of the heap.
func heapSpans() ([]span, error) {
	f, err := os.Open("/proc/self/maps")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	anywhere := new(byte)
	return readSpans(f, uintptr(unsafe.Pointer(anywhere)))
}

// readSpans reads the mappings in the format of /proc/PID/maps (proc(5)): those that are private,
// without a file, to be read and written, and in the region of the address.
func readSpans(maps io.Reader, address uintptr) (spans []span, err error) {
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		words := bytes.Fields(lines.Bytes())
		if len(words) < 5 || string(words[1]) != "rw-p" || string(words[4]) != "0" {
			continue
		}
		first, last, _ := bytes.Cut(words[0], []byte("-"))
		from, err := strconv.ParseUint(string(first), 16, 64)
		if err != nil {
			return nil, err
		}
		to, err := strconv.ParseUint(string(last), 16, 64)
		if err != nil {
			return nil, err
		}
		if from>>regionBits == uint64(address)>>regionBits {
			spans = append(spans, span{uintptr(from), uintptr(to)})
		}
	}
	return spans, lines.Err()
}

// blocks calls f with the address of each block of size bytes, a power of two,
// that lies in s as a whole, until f returns false.
func (s span) blocks(size uintptr, f func(at uintptr) bool) bool {
	for at := (s.from + size - 1) &^ (size - 1); at+size <= s.to; at += size {
		if !f(at) {
			return false
		}
	}
	return true
}
