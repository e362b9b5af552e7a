package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
)

const (
	socketName     = "admin.sock"
	socketPathName = "admin.path" // tells where the socket is when it is not in the data folder
	// socketPathMax is what fits into sockaddr_un.sun_path with its NUL on
	// Linux (108) and the BSDs (104).
	socketPathMax = 103
)

// listenAdmin opens the admin socket of a data folder. The caller holds the
// store's lock, so a socket that is there was left by a process that died.
func listenAdmin(data string) (net.Listener, error) {
	if err := removeSocket(data); err != nil {
		return nil, err
	}
	path := filepath.Join(data, socketName)
	if len(path) > socketPathMax {
		// A folder of our own: nobody else can put a socket into it.
		folder, err := os.MkdirTemp("", "xylem-")
		if err != nil {
			return nil, err
		}
		path = filepath.Join(folder, socketName)
		if len(path) > socketPathMax {
			_ = os.Remove(folder) // just made and empty
			return nil, fmt.Errorf("the paths of the data folder (%s) and of the folder for temporary files (%s) are too long for a socket; set TMPDIR to a shorter one", data, os.TempDir())
		}
		if err := writeFile(filepath.Join(data, socketPathName), []byte(path+"\n")); err != nil {
			return nil, err
		}
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// socketPath is where the socket of a data folder is.
func socketPath(data string) string {
	if text, err := os.ReadFile(filepath.Join(data, socketPathName)); err == nil {
		return strings.TrimSpace(string(text))
	}
	return filepath.Join(data, socketName)
}

// removeSocket removes what listenAdmin made. It is no error if it is gone.
func removeSocket(data string) error {
	path := socketPath(data)
	err := ignoreAbsent(os.Remove(path))
	if folder := filepath.Dir(path); folder != filepath.Clean(data) && strings.HasPrefix(filepath.Base(folder), "xylem-") {
		err = errors.Join(err, ignoreAbsent(os.Remove(folder)))
	}
	return errors.Join(err, ignoreAbsent(os.Remove(filepath.Join(data, socketPathName))))
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
