package hugepages_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/engine/hugepages"
)

// What is in use becomes huge pages and stays what it was.
func TestCollapse(t *testing.T) {
	const size = 64 << 20
	used := touched(size)
	report, err := hugepages.Collapse(t.Context())
	switch {
	case errors.Is(err, hugepages.ErrUnsupported):
		t.Logf("this system has none: %v", err) // an answer, too
	case err != nil:
		t.Fatal(err)
	case report.Refused > 0:
		t.Logf("the machine has no memory for all of it: %+v", report)
	case report.Heap < size || report.Huge < size-4<<20:
		t.Errorf("a heap of more than %d bytes is not dealt with: %+v", size, report)
	case hugeBytes(t) < size-4<<20:
		t.Errorf("the kernel knows of %d bytes in huge pages, the report is %+v", hugeBytes(t), report)
	}
	for i := 0; i < size; i += page {
		if used[i] != byte(i/page)|1 || used[i+1] != 0 {
			t.Fatalf("bytes from %d on are %d %d, want %d 0", i, used[i], used[i+1], byte(i/page)|1)
		}
	}
	runtime.KeepAlive(used)
}

const page = 4096 // or a multiple

// touched is memory each page of which is in use.
func touched(size int) []byte {
	b := make([]byte, size)
	for i := 0; i < size; i += page {
		b[i] = byte(i/page) | 1
	}
	return b
}

func TestCollapseIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	used := touched(8 << 20)
	if _, err := hugepages.Collapse(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, hugepages.ErrUnsupported) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	runtime.KeepAlive(used)
}

// hugeBytes is what this process has in huge pages, as the kernel says.
func hugeBytes(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/smaps_rollup")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "AnonHugePages:")
	words := strings.Fields(rest)
	if len(words) == 0 {
		return 0
	}
	kib, err := strconv.ParseInt(words[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}
