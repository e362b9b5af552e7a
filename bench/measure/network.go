package measure

import (
	"os"
	"slices"
	"strconv"
	"strings"
)

// Overflows is how many connections servers of this machine did not get since it started,
// as too many waited to be accepted (listen(2), backlog); 0 when the kernel does not tell.
// Whoever connects tries again a second later, and two after that.
func Overflows() int64 {
	b, _ := os.ReadFile("/proc/net/netstat")
	return netstat(string(b), "TcpExt:", "ListenOverflows")
}

// netstat is a number in the text of /proc/net/netstat: of each group there is a line of
// names and then one of values.
func netstat(text, group, name string) int64 {
	var names []string
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] != group {
			continue
		}
		if names == nil {
			names = f
			continue
		}
		if i := slices.Index(names, name); i > 0 && i < len(f) {
			n, _ := strconv.ParseInt(f[i], 10, 64) // 0, if the kernel has a text there
			return n
		}
		return 0
	}
	return 0
}
