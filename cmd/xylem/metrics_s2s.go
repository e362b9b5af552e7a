package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/xylem-im/xylem/s2s"
)

// federationCollector counts remote domains at each scrape. It has no labels by
// domain: their number has no bound that a time series database would like.
type federationCollector struct {
	server *server

	domains, streams, queued, queuedBytes          *prometheus.Desc
	records, questions, questionsFailed, cacheHits *prometheus.Desc
}

func newFederationCollector(s *server) *federationCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("xylem_"+name, help, labels, nil)
	}
	return &federationCollector{
		server:          s,
		domains:         desc("s2s_domains", "Remote domains known now, by how it stands with them.", "state"),
		streams:         desc("s2s_streams", "Streams with other servers now, by who opened them; one that several domains share counts for each.", "direction"),
		queued:          desc("s2s_queued_stanzas", "Stanzas that wait for a stream to another server now."),
		queuedBytes:     desc("s2s_queued_bytes", "And their bytes."),
		records:         desc("dns_records", "DNS records kept now."),
		questions:       desc("dns_questions_total", "Questions put to name servers."),
		questionsFailed: desc("dns_questions_failed_total", "Questions without a usable answer from any name server."),
		cacheHits:       desc("dns_kept_answers_total", "Questions answered by what was kept."),
	}
}

// Describe implements prometheus.Collector.
func (c *federationCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.domains, c.streams, c.queued, c.queuedBytes, c.records, c.questions, c.questionsFailed, c.cacheHits} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *federationCollector) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, n int, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if counts, err := c.server.engine.CountRemotes(ctx); err == nil { // else the server stops, or is overrun: no figures are better than wrong ones
		for state, n := range counts.Domains {
			gauge(c.domains, n, s2s.State(state).String())
		}
		gauge(c.streams, counts.Incoming, "in")
		gauge(c.streams, counts.Outgoing, "out")
		gauge(c.queued, counts.Queued)
		gauge(c.queuedBytes, counts.QueuedBytes)
	}
	d := c.server.peers.resolver.Stats()
	gauge(c.records, d.Records)
	for _, x := range []struct {
		desc *prometheus.Desc
		n    int64
	}{{c.questions, d.QuestionsTotal}, {c.questionsFailed, d.FailuresTotal}, {c.cacheHits, d.HitsTotal}} {
		out <- prometheus.MustNewConstMetric(x.desc, prometheus.CounterValue, float64(x.n))
	}
}
