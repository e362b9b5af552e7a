package main

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// floodPause is the time between two looks at whether clients are flooded, and the
// collector should run less often. A flood fills a heap of 50 MB in a second and a half: who looks
// each two seconds is late for the first two collections.
const floodPause = 250 * time.Millisecond

// collectorPace has garbage collected less often while clients that do not
// read are flooded. Each message to such a client is stored and a copy kept until the
// client has it, so the heap grows, and the collector of Go runs each time it has
// doubled: four times in six seconds where it was measured, each time for tens of
// milliseconds on up to as many threads as Go has processors, with which the event
// loops share the cores. That was most of what the users beside the flood waited
// for: 5,000 messages a second to 10,000 such clients, server on one core, p99 of the
// users 4.6 ms with GOGC=100 and 1.5 ms with 400.
type collectorPace struct {
	percent int // as it is set now; 0: as the process began
	usual   int // how it began
}

const (
	floodSlack  = 256 << 20 // garbage in bytes that a flood may leave
	leastLive   = 4 << 20   // what the collector of Go takes for granted
	pacePercent = 100       // the usual ones of Go
)

// look sets the pace. GOGC in the environment beats it, and GOMEMLIMIT holds in any
// case.
func (c *collectorPace) look(flooded bool) {
	if os.Getenv("GOGC") != "" {
		return
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	percent := c.pace(flooded, live[0].Value.Uint64())
	if percent == c.percent {
		return
	}
	before := debug.SetGCPercent(percent)
	if c.percent == 0 {
		c.usual = before
	}
	c.percent = percent
}

// pace is how many per cent of the live bytes may be garbage.
func (c *collectorPace) pace(flooded bool, live uint64) int {
	switch {
	case c.percent == 0 && !flooded:
		return 0
	case !flooded:
		return pacePercent
	}
	const step = 50 // a change stops all threads for a moment, so it is not for less
	percent := int(floodSlack * 100 / max(live, leastLive))
	return max(pacePercent, percent/step*step)
}

// end leaves the collector as it was.
func (c *collectorPace) end() {
	if c.percent != 0 {
		debug.SetGCPercent(c.usual)
	}
}
