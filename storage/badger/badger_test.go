package badger_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	badgerdb "github.com/dgraph-io/badger/v4"

	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/badger"
	"github.com/xylem-im/xylem/storage/storagetest"
)

func open(t testing.TB, opts badger.Options) *badger.Driver {
	t.Helper()
	d, err := badger.Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func closeDriver(t testing.TB, d *badger.Driver) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func apply(d storage.Driver, b storage.Batch) error {
	errs := make([]error, 1)
	d.Apply([]*storage.Op{{Kind: storage.Apply, Owner: "o", Batch: b}}, errs)
	return errs[0]
}

func put(d storage.Driver, key, value string) error {
	var b storage.Batch
	b.Put("c", []byte(key), []byte(value))
	return apply(d, b)
}

func get(d storage.Driver, key string) (string, error) {
	res := d.Read(&storage.Op{Kind: storage.Get, Owner: "o", Collection: "c", Key: []byte(key)})
	if res.Err != nil {
		return "", res.Err
	}
	return string(res.Items[0].Value), nil
}

func TestContract(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Driver { return open(t, badger.Options{Dir: t.TempDir()}) })
}

// Values, empty ones too, and removals outlive memtables, tables and compactions.
func TestReopen(t *testing.T) {
	opts := badger.Options{Dir: t.TempDir(), MemTableBytes: 8 << 20}
	const n = 3000
	value := func(i int) string {
		if i%10 == 0 {
			return ""
		}
		return strings.Repeat(fmt.Sprint(i), 4000/len(fmt.Sprint(i)))
	}
	d := open(t, opts)
	for i := range n { // 12 MB: more than a memtable
		if err := put(d, fmt.Sprint(i), value(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Sync(); err != nil { // reaches the rotated log
		t.Fatal(err)
	}
	var b storage.Batch
	b.DeleteRange("c", []byte("5"), []byte("6"))
	if err := apply(d, b); err != nil {
		t.Fatal(err)
	}
	for round := range 3 {
		for i := range n {
			got, err := get(d, fmt.Sprint(i))
			if gone := fmt.Sprint(i)[0] == '5'; gone != errors.Is(err, storage.ErrNotFound) || !gone && got != value(i) {
				t.Fatalf("round %d: %d is %.20q, %v", round, i, got, err)
			}
		}
		if round == 1 {
			if err := d.Maintain(); err != nil {
				t.Errorf("Maintain: %v", err)
			}
			continue
		}
		closeDriver(t, d)
		d = open(t, opts)
	}
	closeDriver(t, d)
	if err := d.Maintain(); !errors.Is(err, storage.ErrClosed) {
		t.Errorf("Maintain after Close: %v", err)
	}
}

func TestLocked(t *testing.T) {
	opts := badger.Options{Dir: t.TempDir()}
	d := open(t, opts)
	_, err := badger.Open(opts)
	if !errors.Is(err, storage.ErrLocked) {
		t.Fatalf("second Open: %v, want ErrLocked", err)
	}
	for _, part := range []string{"another xylem uses the data folder", opts.Dir, fmt.Sprintf("(process %d)", os.Getpid())} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	closeDriver(t, d)
	closeDriver(t, open(t, opts))
}

func TestOpenFails(t *testing.T) {
	if _, err := badger.Open(badger.Options{}); !errors.Is(err, storage.ErrInvalid) {
		t.Errorf("without a folder: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := badger.Open(badger.Options{Dir: filepath.Join(file, "data")}); err == nil {
		t.Error("opened below a file")
	}
}

// A process that ends between creating and sizing a log leaves an empty file, at
// which Badger's Open fails once.
func TestEmptyLogIsRepaired(t *testing.T) {
	opts := badger.Options{Dir: t.TempDir()}
	d := open(t, opts)
	if err := put(d, "k", "v"); err != nil {
		t.Fatal(err)
	}
	closeDriver(t, d)
	for _, name := range []string{"00098.mem", "00099.mem"} {
		if err := os.WriteFile(filepath.Join(opts.Dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	raw := badgerdb.DefaultOptions(opts.Dir).WithLogger(nil)
	if db, err := badgerdb.Open(raw); err == nil {
		t.Error("Badger opens it at the first attempt: the workaround is no longer needed")
		_ = db.Close()
	}
	d = open(t, opts)
	if got, err := get(d, "k"); got != "v" {
		t.Errorf("after the repair: %q, %v", got, err)
	}
	closeDriver(t, d)
}

func TestFormat(t *testing.T) {
	tests := []struct{ key, value, want string }{
		{"\x00format", "xylem 2", "was written by a newer xylem (format 2, this one knows 1)"},
		{"\x00format", "xylem two", "is no data folder of xylem"},
		{"\x00format", "1", "is no data folder of xylem"},
		{"someone else's", "data", "is no data folder of xylem"},
	}
	for _, tt := range tests {
		dir := t.TempDir()
		db, err := badgerdb.Open(badgerdb.DefaultOptions(dir).WithLogger(nil))
		if err != nil {
			t.Fatal(err)
		}
		err = db.Update(func(txn *badgerdb.Txn) error { return txn.Set([]byte(tt.key), []byte(tt.value)) })
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the refusal leaves it unlocked and unchanged
			_, err = badger.Open(badger.Options{Dir: dir})
			if !errors.Is(err, storage.ErrFormat) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%q = %q: %v, want ErrFormat with %q", tt.key, tt.value, err, tt.want)
			}
		}
	}
}

// A store whose reserve is used up takes removals, then nothing, and still reads.
func TestFull(t *testing.T) {
	dir := t.TempDir()
	d := open(t, badger.Options{Dir: dir})
	if err := put(d, "k", "v"); err != nil {
		t.Fatal(err)
	}
	closeDriver(t, d)
	var removal storage.Batch
	removal.Delete("c", []byte("other"))
	free, ok := badger.FreeSpace(dir)
	if !ok {
		t.Fatal("free space is not known here")
	}
	for _, tt := range []struct {
		reserve uint64
		removal error
	}{{free * 2, nil}, {free * 8, storage.ErrFull}} {
		d = open(t, badger.Options{Dir: dir, MinFreeBytes: tt.reserve})
		if err := put(d, "x", "v"); !errors.Is(err, storage.ErrFull) {
			t.Errorf("put: %v, want ErrFull", err)
		}
		if err := apply(d, removal); !errors.Is(err, tt.removal) {
			t.Errorf("removal: %v, want %v", err, tt.removal)
		}
		if got, err := get(d, "k"); got != "v" {
			t.Errorf("get: %q, %v", got, err)
		}
		closeDriver(t, d)
	}
}

// When Badger cannot make the log of its next memtable (here because folders
// are in the way; too many open files do the same), it is left without one. The
// driver then refuses everything, without a panic, and what it acknowledged is
// there when the cause has gone.
func TestBroken(t *testing.T) {
	opts := badger.Options{Dir: t.TempDir()}
	d := open(t, opts)
	var inTheWay []string
	for i := range 20 {
		path := filepath.Join(opts.Dir, fmt.Sprintf("%05d.mem", i))
		if os.Mkdir(path, 0o700) == nil { // the current log is left alone
			inTheWay = append(inTheWay, path)
		}
	}
	value := strings.Repeat("v", 100_000)
	var err error
	stored := 0
	for ; err == nil && stored < 1000; stored++ {
		err = put(d, fmt.Sprint(stored), value)
	}
	stored--
	if !errors.Is(err, storage.ErrBroken) {
		t.Fatalf("put %d: %v, want ErrBroken", stored, err)
	}
	if err := put(d, "later", value); !errors.Is(err, storage.ErrBroken) {
		t.Errorf("a later put: %v", err)
	}
	if _, err := get(d, "0"); !errors.Is(err, storage.ErrBroken) {
		t.Errorf("a later get: %v", err)
	}
	if err := d.Sync(); !errors.Is(err, storage.ErrBroken) {
		t.Errorf("a later Sync: %v", err)
	}
	if err := d.Close(); !errors.Is(err, storage.ErrBroken) {
		t.Errorf("Close: %v", err)
	}
	for _, path := range inTheWay {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	d = open(t, opts)
	for i := range stored {
		if got, err := get(d, fmt.Sprint(i)); got != value {
			t.Fatalf("%d of %d: %d bytes, %v", i, stored, len(got), err)
		}
	}
	closeDriver(t, d)
}
