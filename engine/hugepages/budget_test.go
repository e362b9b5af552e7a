package hugepages_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/engine/hugepages"
)

func TestAvailableMemory(t *testing.T) {
	for text, want := range map[string]int64{
		"MemTotal:       24000000 kB\nMemFree:         1000000 kB\nMemAvailable:    2000000 kB\n": 2_048_000_000,
		"MemTotal:       24000000 kB\n": 0,
		"MemAvailable:   many kB\n":     0,
	} {
		if got := hugepages.ReadAvailable(strings.NewReader(text)); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}

// The tightest of the groups counts, and "max" is none.
func TestControlGroups(t *testing.T) {
	files := map[string]string{
		"/cg/a/b/memory.max": "max\n", "/cg/a/b/memory.current": "700\n",
		"/cg/a/memory.max": "1000\n", "/cg/a/memory.current": "800\n",
		"/cg/c/memory.max": "5000\n", "/cg/c/memory.current": "800\n",
		"/cg/d/memory.max": "500\n", "/cg/d/memory.current": "800\n",
	}
	read := func(name string) ([]byte, error) {
		text, ok := files[name]
		if !ok {
			return nil, errors.New("no " + name)
		}
		return []byte(text), nil
	}
	for groups, want := range map[string]int64{
		"0::/a/b\n":                    200,
		"1:cpu:/d\n0::/c\n":            4200,
		"0::/d\n":                      -300,
		"0::/\n":                       math.MaxInt64,
		"0::/elsewhere\n":              math.MaxInt64,
		"5:memory:/a\n1:cpuset:/a/b\n": math.MaxInt64,
		"":                             math.MaxInt64,
	} {
		if got := hugepages.FreeBelow(read, "/cg", []byte(groups)); got != want {
			t.Errorf("%q: got %d, want %d", groups, got, want)
		}
	}
}
