package inproc

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/xylem-im/xylem/bench/measure"
)

// comers are accounts that log in and out at a rate. A login that is due while all of
// them are busy has failed: the server is behind.
type comers struct {
	*run
	list   []int
	free   chan int
	begun  []atomic.Int64 // ns since start, of the login under way of each
	first  time.Duration  // since start: when logins begin to count
	done   atomic.Int64
	failed atomic.Int64

	mu    sync.Mutex
	times *hdrhistogram.Histogram
}

// comers is how many there are in a day: as many as over the wire, half of the sessions at most.
func (s *Settings) comers() int { return min(s.Comers, s.away()) }

// newComers has the last of the sessions leave, to be the comers.
func (r *run) newComers(ctx context.Context) (*comers, error) {
	n := r.settings.comers()
	c := &comers{run: r, list: indexes(r.settings.Sessions-n, r.settings.Sessions), free: make(chan int, n),
		begun: make([]atomic.Int64, n), times: newTimes()}
	if err := r.leave(ctx, c.list, "</stream:stream>"); err != nil {
		return nil, err
	}
	for _, i := range c.list {
		c.free <- i
	}
	return c, nil
}

func (c *comers) place(u *user) int { return int(u.index) - c.list[0] }

// comeAndGo logs accounts in at the settings' rate until warm-up and window are over, and
// waits until all have left again.
func (c *comers) comeAndGo(ctx context.Context) error {
	s := &c.settings
	n := int(s.Logins * (s.Warmup + s.Duration).Seconds())
	if n == 0 || len(c.list) == 0 {
		return nil
	}
	c.kind, c.first = online, time.Since(c.start)+s.Warmup
	c.comers.Store(c)
	defer c.comers.Store(nil)
	pace := measure.Pace{Begin: time.Now(), Rate: s.Logins, Count: n, Grace: grace}
	var begun sync.WaitGroup // connecting waits for the event loop
	var failed error
	var once sync.Once
	_, err := pace.Run(ctx, func(int, time.Time) {
		select {
		case i := <-c.free:
			begun.Go(func() {
				if err := c.begin(i); err != nil {
					once.Do(func() { failed = err })
				}
			})
		default:
			c.failed.Add(1)
		}
	})
	begun.Wait()
	return errors.Join(err, failed, c.allLeft(ctx))
}

// begin begins the login of user i.
func (c *comers) begin(i int) error {
	u := &c.users[i]
	u.state.Store(stateLogin)
	c.begun[c.place(u)].Store(int64(time.Since(c.start)))
	text, err := u.begin(nil)
	if err != nil {
		return err
	}
	if c.wires[i], err = c.engine.Attach(u); err != nil {
		return err
	}
	c.wires[i].Send(text)
	return nil
}

// loggedIn is the end of a login. It is called on the user's event loop.
func (c *comers) loggedIn(u *user, ok bool) {
	begun := time.Duration(c.begun[c.place(u)].Load())
	switch {
	case !ok:
		c.failed.Add(1)
	case begun >= c.first:
		c.mu.Lock()
		record(c.times, time.Since(c.start)-begun)
		c.mu.Unlock()
	}
	c.done.Add(1)
	w := c.wires[u.index]
	w.Send([]byte("</stream:stream>"))
	w.Close()
}

// left is the end of a connection, likewise.
func (c *comers) left(u *user) { c.free <- int(u.index) }

// allLeft waits for those who are still there.
func (c *comers) allLeft(ctx context.Context) error {
	given, cancel := context.WithTimeoutCause(ctx, grace, errors.New("inproc: those who came do not leave"))
	defer cancel()
	for range c.list {
		select {
		case <-c.free:
		case <-given.Done():
			return context.Cause(given)
		}
	}
	return nil
}
