package badger

import (
	"log/slog"

	badgerdb "github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"

	"github.com/xylem-im/xylem/storage"
)

// Options says where and how a store is kept. Only Dir is required; zero values
// elsewhere mean the default.
type Options struct {
	// Dir is the folder of the store. It is created if it does not exist.
	Dir string

	// MinFreeBytes is the free space on Dir's file system below which batches that put
	// data are storage.ErrFull; below a quarter of it, all batches are. Badger writes
	// its log through a memory map of a sparse file, so a disk that fills up under
	// it kills the process (SIGBUS); the reserve is what compactions may need
	// meanwhile: one of the youngest level writes what five memtables and the level
	// below it hold. Default 128 MiB. Not watched on systems other than Linux, macOS and
	// FreeBSD.
	MinFreeBytes uint64

	// MemTableBytes is the size of one memtable and half of its log's. There may be
	// four at a time: the writable one, two that wait to be flushed, one that is being
	// flushed. It may be 8 to 64 MiB, default 16: with 8, 300,000 messages of 600
	// bytes cost half as much CPU again, nearly all of it compaction.
	MemTableBytes int64

	// Logger is told about trouble (warn, error) and about Badger's housekeeping
	// (debug). Nil means silence.
	Logger *slog.Logger
}

const (
	defaultMinFree  = 128 << 20
	defaultMemTable = 16 << 20
	minMemTable     = 8 << 20
	maxMemTable     = 64 << 20
	tableFile       = 16 << 20
	baseLevel       = 64 << 20
	valueLogFile    = 16 << 20
	maxFlushWaiting = 2
)

func (o Options) withDefaults() Options {
	if o.MinFreeBytes == 0 {
		o.MinFreeBytes = defaultMinFree
	}
	if o.MemTableBytes == 0 {
		o.MemTableBytes = defaultMemTable
	}
	o.MemTableBytes = min(max(o.MemTableBytes, minMemTable), maxMemTable)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// badgerOptions returns Badger's own options: small memory, values in the LSM tree.
func (o Options) badgerOptions() badgerdb.Options {
	return badgerdb.DefaultOptions(o.Dir).
		WithLogger(logger{o.Logger}).
		// One explicit Sync for each group (see Apply). SyncWrites is as fast (256
		// producers: 51-53 against 46-61 thousand messages/s, alternating runs), but a
		// read that begins during a commit waits until it ends: here for the write only,
		// there for the fsync too; and it syncs groups that nobody needs to be durable.
		WithSyncWrites(false).
		// Apply is the only writer and takes turns.
		WithDetectConflicts(false).
		WithMemTableSize(o.MemTableBytes).
		WithNumMemtables(maxFlushWaiting).
		WithNumCompactors(2). // the least that Badger takes
		// A compaction of the youngest level rewrites the level below it, by as many
		// goroutines as that has tables, for up to 10 ms each before a commit gets the
		// core again. Few large tables, and fewer of these compactions: with 2 and 10 MiB,
		// Badger's own, the slowest commits took twice as long.
		WithBaseTableSize(tableFile).
		WithBaseLevelSize(baseLevel).
		// No value reaches the threshold: they live briefly, and collecting garbage in
		// the value log costs more than compacting them. Badger refuses a threshold
		// over 15 % of a memtable, hence minMemTable.
		WithValueThreshold(storage.MaxBatchBytes).
		WithValueLogFileSize(valueLogFile). // the default preallocates 2 GB
		// Compression without a block cache costs latency and heap; with one, memory.
		WithCompression(options.None).
		WithBlockCacheSize(0).
		WithIndexCacheSize(0).
		WithMetricsEnabled(false) // they are global to the process
}
