package main

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// newMetrics is a registry of its own (none of the library's globals) with
// the engine's figures, the certificates' ages, and Go and process figures.
func newMetrics(s *server) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(
		newEngineCollector(s),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	if s.peers != nil {
		r.MustRegister(newFederationCollector(s))
	}
	return r
}

// engineCollector asks for one engine.Stats per scrape.
type engineCollector struct {
	server      *server
	figures     []figure
	descs       []*prometheus.Desc
	build       *prometheus.Desc
	certificate *prometheus.Desc
	component   *prometheus.Desc
}

func newEngineCollector(s *server) *engineCollector {
	c := &engineCollector{
		server: s, figures: figures(),
		build:       prometheus.NewDesc("xylem_build_info", "1, with the version.", []string{"version"}, nil),
		certificate: prometheus.NewDesc("xylem_certificate_days_left", "Days until the certificate expires.", []string{"domain"}, nil),
		component:   prometheus.NewDesc("xylem_component_connected", "1 while the component is connected, else 0.", []string{"domain"}, nil),
	}
	for _, f := range c.figures {
		c.descs = append(c.descs, prometheus.NewDesc("xylem_"+f.name, f.help, nil, nil))
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *engineCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		out <- d
	}
	out <- c.build
	out <- c.certificate
	out <- c.component
}

// Collect implements prometheus.Collector.
func (c *engineCollector) Collect(out chan<- prometheus.Metric) {
	stats := c.server.engine.Stats()
	for i, f := range c.figures {
		kind := prometheus.GaugeValue
		if strings.HasSuffix(f.name, "_total") {
			kind = prometheus.CounterValue
		}
		out <- prometheus.MustNewConstMetric(c.descs[i], kind, f.value(&stats))
	}
	out <- prometheus.MustNewConstMetric(c.build, prometheus.GaugeValue, 1, version)
	for _, s := range c.server.engine.Components() {
		connected := 0.0
		if s.Connected {
			connected = 1
		}
		out <- prometheus.MustNewConstMetric(c.component, prometheus.GaugeValue, connected, s.Domain)
	}
	now := time.Now()
	for domain, end := range c.server.certs.expiries() {
		out <- prometheus.MustNewConstMetric(c.certificate, prometheus.GaugeValue, end.Sub(now).Hours()/24, domain)
	}
}

// mostExpiries is how many certificates have a figure of their own: an alarm
// is for those that end first, and a scrape should not be a megabyte.
const mostExpiries = 100

// expiries is when the certificate of each name ends, of those that end first.
func (c *certificates) expiries() map[string]time.Time {
	facts := c.facts()
	firstToEnd(facts)
	ends := make(map[string]time.Time)
	for _, f := range facts[:min(len(facts), mostExpiries)] {
		for _, d := range f.Domains {
			ends[d] = f.NotAfter
		}
	}
	return ends
}
