package hugepages

import (
	"bufio"
	"bytes"
	"io"
	"math"
	"os"
	"path"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
)

// budgetPart is the part of the free memory that may be taken to fill huge pages up.
const budgetPart = 4

// budget is how many bytes a pass may take in addition.
func budget() int64 {
	free := min(freeOfMachine(), freeOfGroups(), freeOfLimit())
	return max(free, 0) / budgetPart
}

// freeOfMachine is MemAvailable of /proc/meminfo; 0 when it cannot be read.
func freeOfMachine() int64 {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0
	}
	defer f.Close()
	return readAvailable(f)
}

func readAvailable(meminfo io.Reader) int64 {
	for lines := bufio.NewScanner(meminfo); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) >= 2 && words[0] == "MemAvailable:" {
			kib, err := strconv.ParseInt(words[1], 10, 64)
			if err != nil {
				return 0
			}
			return kib << 10
		}
	}
	return 0
}

// freeOfGroups is what the control groups of the process (version 2) leave, the
// tightest of them; the largest number when they set no bound.
func freeOfGroups() int64 {
	text, _ := os.ReadFile("/proc/self/cgroup") // without, there are no groups
	return freeBelow(os.ReadFile, "/sys/fs/cgroup", text)
}

// freeBelow reads the groups from the process's own, as /proc/self/cgroup has it, up to
// the root. read is os.ReadFile.
func freeBelow(read func(name string) ([]byte, error), root string, groups []byte) int64 {
	free := int64(math.MaxInt64)
	for line := range bytes.Lines(groups) {
		own, ok := bytes.CutPrefix(bytes.TrimSpace(line), []byte("0::"))
		if !ok {
			continue
		}
		for group := path.Clean("/" + string(own)); ; group = path.Dir(group) {
			most, err1 := readNumber(read, root+group+"/memory.max")
			current, err2 := readNumber(read, root+group+"/memory.current")
			if err1 == nil && err2 == nil { // "max" is no number: no bound
				free = min(free, most-current)
			}
			if group == "/" {
				break
			}
		}
	}
	return free
}

func readNumber(read func(name string) ([]byte, error), name string) (int64, error) {
	text, err := read(name)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64)
}

// freeOfLimit is what GOMEMLIMIT leaves. Pages that huge pages fill up are not
// counted by the runtime.
func freeOfLimit() int64 {
	limit := debug.SetMemoryLimit(-1) // reads it
	if limit == math.MaxInt64 {
		return limit
	}
	return limit - gauge("/memory/classes/total:bytes") + gauge("/memory/classes/heap/released:bytes")
}

// gauge reads one number of the runtime.
func gauge(name string) int64 {
	s := []metrics.Sample{{Name: name}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64())
}
