package measure

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Disk is what a folder is on.
type Disk struct {
	FileSystem string `json:"file_system,omitempty"` // ext4, tmpfs, …
	ReadAhead  int    `json:"read_ahead_kb"`         // what the kernel reads ahead of a program, in KiB
}

// DiskOf tells what a folder, or the nearest one above it that is there, is on. What the
// system does not tell stays zero.
func DiskOf(folder string) (d Disk) {
	var s unix.Stat_t
	for unix.Stat(folder, &s) != nil {
		if above := filepath.Dir(folder); above != folder {
			folder = above
			continue
		}
		return d
	}
	device := fmt.Sprintf("%d:%d", unix.Major(s.Dev), unix.Minor(s.Dev))
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	kind, source := mounted(string(mounts), device)
	d.FileSystem = kind
	devices := []string{device}
	if unix.Stat(source, &s) == nil && s.Mode&unix.S_IFMT == unix.S_IFBLK { // btrfs: its files are on no device of the kernel's
		devices = append(devices, fmt.Sprintf("%d:%d", unix.Major(s.Rdev), unix.Minor(s.Rdev)))
	}
	for _, device := range devices {
		for _, queue := range []string{"queue", "../queue"} { // a disk, or a part of one
			if n, err := strconv.Atoi(setting("/sys/dev/block/" + device + "/" + queue + "/read_ahead_kb")); err == nil {
				d.ReadAhead = n
				return d
			}
		}
	}
	return d
}

// mounted finds the kind of file system of a device in the text of
// /proc/self/mountinfo, see proc(5), and where it comes from.
func mounted(mountinfo, device string) (kind, source string) {
	for line := range strings.Lines(mountinfo) {
		f := strings.Fields(line)
		dash := slices.Index(f, "-")
		if dash >= 3 && len(f) > dash+2 && f[2] == device {
			return f[dash+1], f[dash+2]
		}
	}
	return "", ""
}

// setting is the text of a file of the kernel's, "" when there is none.
func setting(file string) string {
	b, _ := os.ReadFile(file)
	return strings.TrimSpace(string(b))
}
