package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// mostReadAhead is how much in KiB Linux may read ahead on the device of the data folder
// without a warning. The store writes to files in memory, and the first write to a part of
// one brings that much of it in, which no other thread can interrupt: 1 to 2.4 ms at 8 MiB,
// in which a loop on the same core waits. Linux's default is 128.
const mostReadAhead = 512

// checkReadAhead warns of a device that reads much ahead. sys is /sys.
func (s *server) checkReadAhead(data, sys string) {
	var info unix.Stat_t
	if unix.Stat(data, &info) != nil {
		return
	}
	file, kib := readAhead(sys, unix.Major(info.Dev), unix.Minor(info.Dev))
	if kib > mostReadAhead {
		s.log.Warn("device of the data folder reads much ahead, for which users wait while the store writes; write 128 to the file, and have a udev rule do it at each start",
			"file", file, "KiB", kib)
	}
}

// readAhead is what the kernel says of a device, in KiB, and where; 0: nothing. A file
// system that has no device of its own has a bdi, a partition has what its disk has.
func readAhead(sys string, major, minor uint32) (file string, kib int) {
	for _, format := range []string{"%s/class/bdi/%d:%d/read_ahead_kb", "%s/dev/block/%d:%d/queue/read_ahead_kb", "%s/dev/block/%d:%d/../queue/read_ahead_kb"} {
		file = fmt.Sprintf(format, sys, major, minor) // not cleaned: the last one is a link's target's parent
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if kib, err = strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			return file, kib
		}
	}
	return "", 0
}
