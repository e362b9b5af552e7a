package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/pflag"
)

// version of this program, in the way of semver.org.
const version = "0.1.0"

// versionLine is the version with what the build knows of itself.
func versionLine() string {
	revision := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				revision = ", revision " + s.Value[:min(12, len(s.Value))] + revision
			case s.Key == "vcs.modified" && s.Value == "true":
				revision += " with changes"
			}
		}
	}
	return fmt.Sprintf("xylem %s (%s %s/%s%s)", version, runtime.Version(), runtime.GOOS, runtime.GOARCH, revision)
}

func (p *program) version(fs *pflag.FlagSet, args []string) error {
	if done, err := p.parse(fs, args, 0, 0); done || err != nil {
		return err
	}
	fmt.Fprintln(p.stdout, versionLine())
	return nil
}
