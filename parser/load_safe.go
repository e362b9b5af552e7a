//go:build !(amd64 || arm64 || riscv64 || loong64 || ppc64le)

package parser

import "encoding/binary"

// load64 reads b[i:i+8] with b[i] in the low bits.
func load64(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i:]) }
