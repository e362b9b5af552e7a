package main

import (
	"errors"
	"os"
	"path/filepath"
)

// writeFile replaces a file in one step, or makes it: all of it is on disk, or it is
// as it was. Only its owner may read it.
func writeFile(name string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // does nothing after the rename
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
