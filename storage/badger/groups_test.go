//go:build unix

package badger_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	badgerdb "github.com/dgraph-io/badger/v4"
	"golang.org/x/sys/unix"

	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/badger"
)

// What BenchmarkGroups stores: messages of the size that one of 350 bytes has
// with its stamps, of as many users, in groups as a busy server has them.
const (
	groupMessages = 256
	groupOwners   = 500
	groupValue    = 560
)

// BenchmarkGroups stores and syncs messages in groups, one after the other, by
// the driver, and by Badger itself as it comes, with SyncWrites, which is what
// the driver can be measured with. Run it on one core, for at least 300,000:
//
//	taskset -c 0 go test -run '^$' -bench Groups -benchtime 300000x ./storage/badger
func BenchmarkGroups(b *testing.B) {
	b.Run("driver", func(b *testing.B) {
		d := open(b, badger.Options{Dir: b.TempDir()})
		defer closeDriver(b, d)
		ops, errs := make([]*storage.Op, groupMessages), make([]error, groupMessages)
		inGroups(b, func(first int) {
			for i := range ops {
				ops[i] = &storage.Op{Kind: storage.Apply, Owner: groupOwner(first + i), Durable: true}
				ops[i].Batch.Put("offline", fmt.Appendf(nil, "%08d", first+i), make([]byte, groupValue))
			}
			d.Apply(ops, errs)
			for _, err := range errs {
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	})
	b.Run("badger", func(b *testing.B) {
		db, err := badgerdb.Open(badgerdb.DefaultOptions(b.TempDir()).WithLogger(nil).WithSyncWrites(true))
		if err != nil {
			b.Fatal(err)
		}
		defer db.Close()
		inGroups(b, func(first int) {
			txn := db.NewTransaction(true)
			for i := range groupMessages {
				key := storage.AppendKey(nil, groupOwner(first+i), "offline", fmt.Appendf(nil, "%08d", first+i))
				if err := txn.Set(key, make([]byte, groupValue)); err != nil {
					b.Fatal(err)
				}
			}
			if err := txn.Commit(); err != nil {
				b.Fatal(err)
			}
		})
	})
}

func groupOwner(i int) string { return fmt.Sprintf("user%05d@localhost", i*7919%groupOwners) }

// inGroups calls store until it has stored b.N messages.
func inGroups(b *testing.B, store func(first int)) {
	var took []time.Duration
	before := processTime(b)
	b.SetBytes(groupValue)
	b.ResetTimer()
	for n := 0; n < b.N; n += groupMessages {
		begin := time.Now()
		store(n)
		took = append(took, time.Since(begin))
	}
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(len(took)*groupMessages)/b.Elapsed().Seconds(), "msg/s")
	b.ReportMetric(float64((processTime(b)-before).Nanoseconds())/float64(len(took)*groupMessages), "cpu-ns/msg")
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(float64(took[len(took)-1].Microseconds()), "max-µs")
}

// processTime is the CPU time of the process.
func processTime(b *testing.B) time.Duration {
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
