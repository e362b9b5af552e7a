package main

import (
	"context"

	"github.com/xylem-im/xylem/engine/hugepages"
)

// keepHugePages backs a large heap with huge pages until ctx is done. Each pass is
// told to those who debug, and once that there are none.
func (s *server) keepHugePages(ctx context.Context) {
	err := hugepages.Keep(ctx, func(r hugepages.Report) {
		s.log.Debug("huge pages", "heap", r.Heap, "huge", r.Huge, "added", r.Added, "refused", r.Refused)
	})
	if err != nil {
		s.log.Info("no huge pages; server.huge_pages = false keeps the server from asking", "error", err)
	}
}
