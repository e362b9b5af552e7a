package measure

import (
	"fmt"
	"os"
	"slices"
	"testing"
)

func TestMounted(t *testing.T) {
	const mounts = `22 28 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw
28 1 252:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro
31 28 0:27 / /tmp rw - tmpfs tmpfs rw
40 28 0:33 /home /home rw,relatime shared:21 master:2 - btrfs /dev/sda2 rw
cut 28 0:34 / /cut rw -
`
	for device, want := range map[string][2]string{"252:1": {"ext4", "/dev/vda1"}, "0:27": {"tmpfs", "tmpfs"}, "0:33": {"btrfs", "/dev/sda2"}, "0:34": {}, "9:9": {}} {
		if kind, source := mounted(mounts, device); kind != want[0] || source != want[1] {
			t.Errorf("%s: %q from %q, want %q", device, kind, source, want)
		}
	}
	if here := DiskOf(t.TempDir() + "/not/there"); here.FileSystem == "" || here != DiskOf(os.TempDir()) {
		t.Errorf("a folder that is not there yet is on %+v, the one above on %+v", here, DiskOf(os.TempDir()))
	}
}

func TestChosen(t *testing.T) {
	for text, want := range map[string]string{"always [madvise] never": "madvise", "[always] madvise never": "always", "": "", "always": "", "[": ""} {
		if got := chosen(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestCores(t *testing.T) {
	for list, want := range map[string][]int{"0": {0}, "0-3": {0, 1, 2, 3}, "0,2": {0, 2}, "0-6:2,9": {0, 2, 4, 6, 9}} {
		if got, err := Cores(list); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v, want %v", list, got, err, want)
		}
	}
	for _, bad := range []string{"", "a", "0-", "-1", "3-1", "0-4:0", "0,", "1:", "0-99999999"} {
		if got, err := Cores(bad); err == nil {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
}

// Cores 0 and 4, 1 and 5, … are threads of one core each.
func TestShared(t *testing.T) {
	siblings := func(core int) string { return fmt.Sprintf("%d,%d", core%4, core%4+4) }
	for _, test := range []struct {
		a, b          string
		same, threads bool
	}{
		{"0", "1", false, false}, {"0-1", "1-2", true, false}, {"0", "4", false, true}, {"0-1", "2,5", false, true}, {"", "1", false, false},
	} {
		if same, threads := shared(test.a, test.b, siblings); same != test.same || threads != test.threads {
			t.Errorf("%q and %q: %v, %v", test.a, test.b, same, threads)
		}
	}
	if _, threads := shared("0", "1", func(int) string { return "" }); threads {
		t.Error("threads of which the system does not tell")
	}
}
