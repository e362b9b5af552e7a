package main

import (
	"github.com/xylem-im/xylem/xep/standard"
)

// extensions is what the configuration says of extensions.
func (c *config) extensions() *standard.Options {
	return &standard.Options{}
}
