package badger_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/badger"
)

// childDir and childFirst make the test binary a child that stores until it is killed.
const (
	childDir   = "XYLEM_TEST_STORE_DIR"
	childFirst = "XYLEM_TEST_STORE_FIRST"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		first, err := strconv.Atoi(os.Getenv(childFirst))
		if err == nil {
			err = storeForEver(dir, first)
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// storeForEver applies durable groups of batches, each of which puts one number
// into two collections, and prints the last number of each group that was
// acknowledged.
func storeForEver(dir string, n int) error {
	d, err := badger.Open(badger.Options{Dir: dir})
	if err != nil {
		return err
	}
	value := make([]byte, 2000)
	for {
		ops := make([]*storage.Op, 1+n%40)
		for i := range ops {
			ops[i] = &storage.Op{Kind: storage.Apply, Owner: "o", Durable: true}
			ops[i].Batch.Put("a", number(n), value)
			ops[i].Batch.Put("b", number(n), value)
			n++
		}
		errs := make([]error, len(ops))
		d.Apply(ops, errs)
		if err := errors.Join(errs...); err != nil {
			return err
		}
		fmt.Println(n - 1)
	}
}

func number(n int) []byte { return fmt.Appendf(nil, "%08d", n) }

// What was acknowledged survives kill -9 at any instant, and no batch survives
// by half. (SIGKILL leaves the page cache: this proves the order of writing and
// acknowledging, and the recovery, not the fsync.)
func TestKill(t *testing.T) {
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(1, 2)) // at which group; the instant in it is the operating system's
	acked := -1
	begin := time.Now()
	const rounds, enough, atLeast = 10, 4 * time.Second, 4
	for round := range rounds {
		if round >= atLeast && time.Since(begin) > enough { // a slow machine
			return
		}
		acked = killAfter(t, dir, acked+1, r.IntN(120))
		if round%3 == 1 {
			continue // the next child recovers, not we
		}
		stored := verify(t, dir, acked)
		t.Logf("round %d: acknowledged up to %d, stored up to %d", round, acked, stored)
		acked = stored
		if t.Failed() {
			return
		}
	}
}

// killAfter runs a child until it has acknowledged so many groups, kills it, and
// returns the last number that it acknowledged, first-1 if none.
func killAfter(t *testing.T, dir string, first, groups int) int {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childDir+"="+dir, childFirst+"="+strconv.Itoa(first))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	last := first - 1
	lines := bufio.NewReader(out)
	for i := 0; ; i++ {
		if i == groups {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		line, err := lines.ReadString('\n') // what it printed before its end counts, too
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if last, err = strconv.Atoi(line[:len(line)-1]); err != nil {
			t.Fatal(err)
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Exited() {
		t.Fatalf("the child ended by itself: %v", err)
	}
	return last
}

// verify opens the store and returns the last number in it, having checked that
// there is no gap, that all is in both collections, and that acked is there.
func verify(t *testing.T, dir string, acked int) int {
	t.Helper()
	d := open(t, badger.Options{Dir: dir})
	defer func() {
		if err := d.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}()
	last := map[string]int{}
	for _, c := range []string{"a", "b"} {
		n := 0
		op := storage.Op{Kind: storage.Scan, Owner: "o", Collection: c}
		for more := true; more; {
			res := d.Read(&op)
			if res.Err != nil {
				t.Fatal(res.Err)
			}
			for _, item := range res.Items {
				if string(item.Key) != string(number(n)) || len(item.Value) != 2000 {
					t.Fatalf("collection %s: %s of %d bytes, want %s of 2000", c, item.Key, len(item.Value), number(n))
				}
				n++
			}
			if more = res.More; more {
				op.From = number(n)
			}
		}
		last[c] = n - 1
	}
	if last["a"] != last["b"] || last["a"] < acked {
		t.Errorf("stored up to %d in one collection and %d in the other; acknowledged up to %d", last["a"], last["b"], acked)
	}
	return last["a"]
}
