package measure

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Confine has all threads of this process run on the cores of a list as taskset (Debian:
// util-linux) takes it, and what it starts from now on. undo lets them go again.
func Confine(list string) (undo func(), err error) {
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return nil, fmt.Errorf("cores: %w", err)
	}
	out, err := exec.Command("taskset", "--all-tasks", "--cpu-list", "--pid", list, strconv.Itoa(os.Getpid())).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	return func() {
		for _, thread := range threads(os.Getpid()) {
			_ = unix.SchedSetaffinity(thread, &before) // a thread that has ended needs none
		}
	}, nil
}

// threads are those of a process; none when it has ended.
func threads(pid int) (list []int) {
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, t := range tasks {
		if id, err := strconv.Atoi(t.Name()); err == nil {
			list = append(list, id)
		}
	}
	return list
}
