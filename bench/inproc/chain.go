package inproc

import (
	"bytes"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	maxChains  = 1 << 16
	minPayload = 150
)

// chain is one message in flight. It belongs to whoever has the message and the lock:
// the message may arrive before Send has returned to its sender.
type chain struct {
	sync.Mutex
	message []byte     // head with places for names and mark
	from    int        // who has sent the message in flight
	to      int        // and gets it
	number  uint64     // of it
	ahead   [drawn]hop // those that follow
	used    int        // of them
	side    bool       // the last one drawn is sent at the other server
	read    int64      // see run.draw
	sent    time.Time
	random  uint64
	last    atomic.Int64 // messages that arrived; for others to read
	latency *hdrhistogram.Histogram
}

// Places in the message: addressee and mark have the same length always.
const (
	toPrefix   = "<message to='"
	domainAt   = len(toPrefix) + nameLen + 1
	idPrefix   = "' type='chat' id='chain."
	bodyPrefix = "'><body>"
	tail       = "</body></message>"
	nameLen    = 9  // "u" and eight digits
	markLen    = 26 // "00000.00000000000000000000"
)

// newChain makes chain k with messages of size bytes. full tells to write to
// full addresses.
func newChain(k, size int, full bool) *chain {
	to := strings.Repeat("u", nameLen) + "@" + domain
	if full {
		to += "/" + resource
	}
	head := toPrefix + to + idPrefix + strings.Repeat("0", markLen) + bodyPrefix
	return &chain{
		message: []byte(head + strings.Repeat("m", max(0, size-len(head)-len(tail))) + tail),
		random:  uint64(k)*0x9e3779b97f4a7c15 + 1,
		latency: hdrhistogram.New(int64(time.Microsecond), int64(time.Minute), 2),
	}
}

// digits writes n right-aligned.
func digits(dst []byte, n uint64) {
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = byte('0' + n%10)
		n /= 10
	}
}

// render is a message of chain k to user to of a domain.
func (c *chain) render(k int, number uint64, to int, domain string) []byte {
	copy(c.message[domainAt:], domain) // all are as long
	digits(c.message[len(toPrefix)+1:len(toPrefix)+nameLen], uint64(to))
	mark := c.message[bytes.IndexByte(c.message, '.')+1:]
	digits(mark[:5], uint64(k))
	digits(mark[6:markLen], number)
	mark[5] = '.'
	return c.message
}

var idMark = []byte("id='chain.")

// mark finds the next message in p: its chain and number, and what follows.
// ok is false when there is none.
func mark(p []byte) (k int, number uint64, rest []byte, ok bool) {
	at := bytes.Index(p, idMark)
	if at < 0 || len(p) < at+len(idMark)+markLen {
		return 0, 0, nil, false
	}
	m := p[at+len(idMark):][:markLen]
	chain, err := strconv.ParseUint(string(m[:5]), 10, 32)
	if err != nil {
		return 0, 0, nil, false
	}
	number, err = strconv.ParseUint(string(m[6:]), 10, 64)
	return int(chain), number, p[at+len(idMark)+markLen:], err == nil
}
