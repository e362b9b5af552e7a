package bench

import "runtime/debug"

// version is what the harness was built from: a commit, with "+" when files were
// changed, or the version of the module.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	commit, changed := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value[:min(len(s.Value), 12)]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+"
		}
	}
	if commit == "" {
		return info.Main.Version
	}
	return commit + changed
}
