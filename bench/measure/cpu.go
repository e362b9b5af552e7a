package measure

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// governors names what chooses the clock of the cores; "" where the system does not
// tell, as in most virtual machines.
func governors() string {
	files, _ := filepath.Glob("/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor") // the pattern is right
	var list []string
	for _, file := range files {
		if g := setting(file); g != "" && !slices.Contains(list, g) {
			list = append(list, g)
		}
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// chosen is the choice of a setting that lists all of them, as "always [madvise] never".
func chosen(text string) string {
	_, rest, _ := strings.Cut(text, "[")
	word, _, ok := strings.Cut(rest, "]")
	if !ok {
		return ""
	}
	return word
}

// Cores reads a list of processors as taskset takes it: 0, 0-3, 0-6:2 or 0,2.
func Cores(list string) (cores []int, err error) {
	for part := range strings.SplitSeq(list, ",") {
		part, stride, strided := strings.Cut(part, ":")
		first, last, isRange := strings.Cut(part, "-")
		step := 1
		from, err1 := strconv.Atoi(first)
		to, err2 := strconv.Atoi(cmp.Or(last, first))
		if strided {
			step, err = strconv.Atoi(stride)
		}
		if err1 != nil || err2 != nil || err != nil || isRange && last == "" || from > to || from < 0 || step < 1 || to > 1<<16 {
			return nil, fmt.Errorf("%q is no list of cores, as 0 or 0-3", list)
		}
		for i := from; i <= to; i += step {
			cores = append(cores, i)
		}
	}
	return cores, nil
}

// Shared tells whether two lists of processors have one in common, or two that are threads
// of one core of the hardware, which slow each other.
func Shared(a, b string) (same, threads bool) {
	return shared(a, b, func(core int) string {
		return setting(fmt.Sprintf("/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", core))
	})
}

// shared is told the threads of a core.
func shared(a, b string, siblings func(core int) string) (same, threads bool) {
	first, err1 := Cores(a)
	second, err2 := Cores(b)
	if err1 != nil || err2 != nil {
		return false, false
	}
	for _, core := range first {
		same = same || slices.Contains(second, core)
		list, err := Cores(siblings(core))
		if err != nil {
			continue
		}
		threads = threads || slices.ContainsFunc(list, func(c int) bool { return c != core && slices.Contains(second, c) })
	}
	return same, threads
}
