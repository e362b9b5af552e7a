package measure

import (
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Machine says where figures come from.
type Machine struct {
	System    string `json:"system,omitempty"` // the distribution
	Kernel    string `json:"kernel"`
	Arch      string `json:"arch"`
	CPU       string `json:"cpu"`
	Cores     int    `json:"cores"`
	Memory    int64  `json:"memory"`               // bytes
	Go        string `json:"go"`                   // that the generator was built with
	Virtual   bool   `json:"virtual,omitempty"`    // a host may take cores away
	Governor  string `json:"governor,omitempty"`   // chooses the clock of the cores; several if they differ
	HugePages string `json:"huge_pages,omitempty"` // transparent ones: always, madvise or never
	Disk      Disk   `json:"disk,omitzero"`        // of the servers' folders
}

// ThisMachine describes the machine, its disk being that of a folder; "" is none. What the
// system does not tell stays empty.
func ThisMachine(folder string) Machine {
	m := Machine{Arch: runtime.GOARCH, Cores: runtime.NumCPU(), Go: runtime.Version(), Governor: governors(),
		HugePages: chosen(setting("/sys/kernel/mm/transparent_hugepage/enabled"))}
	if folder != "" {
		m.Disk = DiskOf(folder)
	}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		m.Kernel = unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
	}
	release, _ := os.ReadFile("/etc/os-release")
	for line := range strings.Lines(string(release)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); ok {
			m.System = strings.Trim(name, `"'`)
		}
	}
	b, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(b)) {
		key, value, _ := strings.Cut(line, ":")
		switch strings.TrimSpace(key) {
		case "model name":
			m.CPU = strings.TrimSpace(value)
		case "flags":
			m.Virtual = slices.Contains(strings.Fields(value), "hypervisor")
		}
	}
	info, _ := os.ReadFile("/proc/meminfo")
	m.Memory = keyed(info)["MemTotal"] << 10
	return m
}

// Load is processor time of the whole machine: Busy was used by anybody, Steal
// the host gave to others.
type Load struct{ Busy, Steal, all time.Duration }

// ReadLoad reads the first line of /proc/stat; zero when there is none.
func ReadLoad() (l Load) {
	b, _ := os.ReadFile("/proc/stat")
	line, _, _ := strings.Cut(string(b), "\n")
	for i, field := range strings.Fields(line) {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil || i > 8 { // the name of the line; guest time is in user time already
			continue
		}
		d := time.Duration(n) * tick
		l.all += d
		switch i {
		case 4, 5: // idle, waiting for disks
		case 8:
			l.Steal += d
		default:
			l.Busy += d
		}
	}
	return l
}

// Since returns the shares of all cores, 0 to 1, that were busy and stolen.
func (l Load) Since(o Load) (busy, steal float64) {
	all := float64(l.all - o.all)
	if all <= 0 {
		return 0, 0
	}
	return float64(l.Busy-o.Busy) / all, float64(l.Steal-o.Steal) / all
}
