//go:build !linux

package main

import (
	"errors"
	"os"
)

// isTerminal is not known here, so the password is taken by --password-stdin.
func isTerminal(*os.File) bool { return false }

func echoOff(*os.File) (func(), error) { return nil, errors.ErrUnsupported }
