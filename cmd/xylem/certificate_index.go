package main

import (
	"encoding/binary"
	"encoding/json"
	"hash/fnv"
	"os"
	"path/filepath"
	"syscall"
)

// stamp tells one state of two files from another: their inodes, sizes and
// times of change. Like make and git it does not see a change that keeps all
// of these.
type stamp uint64

func stampOf(files ...string) (stamp, error) {
	sum := fnv.New64a()
	var fields []byte
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil {
			return 0, err
		}
		fields = binary.LittleEndian.AppendUint64(fields[:0], uint64(info.Size()))
		fields = binary.LittleEndian.AppendUint64(fields, uint64(info.ModTime().UnixNano()))
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			fields = binary.LittleEndian.AppendUint64(fields, st.Ino)
			fields = binary.LittleEndian.AppendUint64(fields, uint64(st.Ctim.Nano()))
		}
		sum.Write(fields)
	}
	return stamp(sum.Sum64()), nil
}

// indexName is the file beside the self-signed certificates that says what was
// found when all of them were read. It is a cache: without it, or with one that
// cannot be read, everything is read again.
const indexName = "index.json"

// indexVersion is that of the format; another one is as no index.
const indexVersion = 1

type indexFile struct {
	Version int         `json:"version"`
	Pairs   []indexPair `json:"pairs"`
}

// indexPair is a keptPair on disk.
type indexPair struct {
	Names     []string `json:"names"`
	Cert      string   `json:"cert,omitempty"`
	Key       string   `json:"key,omitempty"`
	Named     bool     `json:"named,omitempty"`
	Stamp     stamp    `json:"stamp"`
	NotBefore int64    `json:"not_before"`
	NotAfter  int64    `json:"not_after"`
}

// readIndex is what the index says; nothing when there is none.
func readIndex(folder string) []*keptPair {
	text, err := os.ReadFile(filepath.Join(folder, indexName))
	if err != nil {
		return nil
	}
	var index indexFile
	if err := json.Unmarshal(text, &index); err != nil || index.Version != indexVersion {
		return nil
	}
	pairs := make([]*keptPair, 0, len(index.Pairs))
	for _, p := range index.Pairs {
		if len(p.Names) == 0 {
			continue
		}
		pairs = append(pairs, &keptPair{names: p.Names, cert: p.Cert, key: p.Key, named: p.Named,
			stamp: p.Stamp, notBefore: p.NotBefore, notAfter: p.NotAfter})
	}
	return pairs
}

func writeIndex(folder string, pairs []*keptPair) error {
	index := indexFile{Version: indexVersion, Pairs: make([]indexPair, len(pairs))}
	for i, k := range pairs {
		index.Pairs[i] = indexPair{Names: k.names, Cert: k.cert, Key: k.key, Named: k.named,
			Stamp: k.stamp, NotBefore: k.notBefore, NotAfter: k.notAfter}
	}
	text, err := json.Marshal(index)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	return writeFile(filepath.Join(folder, indexName), text)
}
