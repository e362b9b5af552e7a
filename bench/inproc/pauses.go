package inproc

import (
	"math"
	"runtime/metrics"
)

// Pauses are times in which a collection stopped everything, microseconds.
type Pauses struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50_us"`
	P99   float64 `json:"p99_us"`
	Max   float64 `json:"max_us"`
	// GCShare is the part of the processor time that collections took, of the whole run.
	GCShare float64 `json:"gc_share,omitempty"`
}

const (
	metricPauses  = "/sched/pauses/total/gc:seconds"
	metricGC      = "/cpu/classes/gc/total:cpu-seconds"
	metricIdle    = "/cpu/classes/idle:cpu-seconds"
	metricAll     = "/cpu/classes/total:cpu-seconds"
	metricHeap    = "/memory/classes/heap/objects:bytes"
	metricLive    = "/gc/heap/live:bytes"
	metricObjects = "/gc/heap/objects:objects"
)

// gauge reads one number of the runtime.
func gauge(name string) float64 {
	s := []metrics.Sample{{Name: name}}
	metrics.Read(s)
	switch s[0].Value.Kind() {
	case metrics.KindUint64:
		return float64(s[0].Value.Uint64())
	case metrics.KindFloat64:
		return s[0].Value.Float64()
	}
	return math.NaN()
}

// pauseCounts is the runtime's histogram of pauses since the start; nil: it has none.
func pauseCounts() *metrics.Float64Histogram {
	s := []metrics.Sample{{Name: metricPauses}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindFloat64Histogram {
		return nil
	}
	return s[0].Value.Float64Histogram()
}

// noteSpare has the pauses since some counts counted as those with processors to spare.
func (r *run) noteSpare(since *metrics.Float64Histogram) {
	now := pauseCounts()
	if now == nil || since == nil {
		return
	}
	if r.spare == nil {
		r.spare = make([]uint64, len(now.Counts))
	}
	for i := range now.Counts {
		r.spare[i] += now.Counts[i] - since.Counts[i]
	}
}

// pauses are those since the start, but for those with processors to spare, and these.
func (r *run) pauses() (p, spare Pauses) {
	h := pauseCounts()
	if h == nil {
		return p, spare
	}
	if r.spare != nil {
		spare = summary(&metrics.Float64Histogram{Counts: r.spare, Buckets: h.Buckets})
		for i := range h.Counts {
			h.Counts[i] -= r.spare[i]
		}
	}
	p = summary(h)
	if used := gauge(metricAll) - gauge(metricIdle); used > 0 {
		p.GCShare = gauge(metricGC) / used
	}
	return p, spare
}

func summary(h *metrics.Float64Histogram) (p Pauses) {
	for _, n := range h.Counts {
		p.Count += int(n)
	}
	p.P50, p.P99, p.Max = quantile(h, p.Count, 0.5), quantile(h, p.Count, 0.99), quantile(h, p.Count, 1)
	return p
}

// quantile is the upper end of the bucket that holds it, in microseconds: the
// runtime's buckets are a sixteenth to an eighth wide.
func quantile(h *metrics.Float64Histogram, count int, q float64) float64 {
	need, seen := uint64(math.Ceil(q*float64(count))), uint64(0)
	for i, n := range h.Counts {
		if seen += n; n > 0 && seen >= need {
			if top := h.Buckets[i+1]; !math.IsInf(top, 1) {
				return top * 1e6
			}
			return h.Buckets[i] * 1e6
		}
	}
	return 0
}
