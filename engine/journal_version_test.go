package engine_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/engine"
)

// TestJournalOfTheVersionBefore: a file that the code of version 1 of the format has written, with
// entries, is told of at the start that cannot read it, and begun anew; the next start has
// nothing to tell.
func TestJournalOfTheVersionBefore(t *testing.T) {
	file, err := os.Open("testdata/journal-v1.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	journal, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	mem := make([]byte, len(journal))
	copy(mem, journal)
	for start, wantTold := range []bool{true, false} { // the second is the next start
		var log bytes.Buffer
		s := serve(t, func(cfg *engine.Config) {
			durable(cfg)
			cfg.Journal, cfg.Loops = mem, 2
			cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		})
		s.shutdown(t)
		if told := strings.Contains(log.String(), "the journal is of another version"); told != wantTold {
			t.Errorf("start %d tells: %v, want %v:\n%s", start, told, wantTold, log.String())
		}
		if bytes.Equal(mem, journal) {
			t.Error("it is not begun anew")
		}
	}
}
