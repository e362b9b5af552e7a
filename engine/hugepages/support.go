package hugepages

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
)

// ErrUnsupported: the system has no huge pages for this, or its administrator
// wants none. The errors that wrap it say which.
var ErrUnsupported = errors.New("hugepages: not available")

const (
	settings = "/sys/kernel/mm/transparent_hugepage/"
	// mostSize is what the runtime can handle as a huge page, too (4 MiB); larger
	// ones would be half empty.
	mostSize = 4 << 20
)

// pageSize is the size of a huge page in bytes.
func pageSize() (uintptr, error) {
	enabled, err := os.ReadFile(settings + "enabled")
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	if bytes.Contains(enabled, []byte("[never]")) {
		return 0, fmt.Errorf("%w: %senabled says never; madvise will do", ErrUnsupported, settings)
	}
	text, err := os.ReadFile(settings + "hpage_pmd_size")
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	size, err := strconv.ParseUint(string(bytes.TrimSpace(text)), 10, 64)
	if err != nil || size == 0 || size&(size-1) != 0 || size > mostSize {
		return 0, fmt.Errorf("%w: a huge page of %s bytes, at most %d are of use", ErrUnsupported, bytes.TrimSpace(text), mostSize)
	}
	return uintptr(size), nil
}
