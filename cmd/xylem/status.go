package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/pflag"
)

// statusReport is what `xylem status` shows; --json prints it as it is.
type statusReport struct {
	Version      string             `json:"version"`
	PID          int                `json:"pid"`
	Ready        bool               `json:"ready"` // false while it drains
	Started      time.Time          `json:"started"`
	Uptime       int64              `json:"uptime_seconds"`
	Config       string             `json:"config"` // file, "" for none
	Data         string             `json:"data"`
	Addresses    []listenAddress    `json:"addresses"`
	Domains      []string           `json:"domains"`
	Components   []componentFact    `json:"components"`
	Certificates []certificateFact  `json:"certificates"`
	Federation   *federationFact    `json:"federation,omitempty"` // absent without federation
	OpenFiles    uint64             `json:"open_files_limit"`
	Figures      map[string]float64 `json:"figures"` // named as in /metrics, without xylem_
}

// listenAddress is one place that listens.
type listenAddress struct {
	Name    string `json:"name"` // c2s, c2s-tls, s2s, s2s-tls, http
	Address string `json:"address"`
}

func (a listenAddress) purpose() string {
	return map[string]string{nameC2S: "clients, STARTTLS", nameC2STLS: "clients, TLS at once",
		nameS2S: "other servers, STARTTLS", nameS2STLS: "other servers, TLS at once", nameHTTP: "health and metrics",
		nameComponents: "components", nameComponentsTLS: "components, TLS at once"}[a.Name]
}

// addresses are the real addresses, by name in the order of the ready line.
func (s *server) addresses() []listenAddress {
	var all []listenAddress
	for _, a := range s.engine.Addrs() {
		all = append(all, listenAddress{Name: a.Name, Address: a.Addr.String()})
	}
	slices.SortStableFunc(all, func(a, b listenAddress) int { return cmp.Compare(a.Name, b.Name) })
	if s.httpAddr != "" {
		all = append(all, listenAddress{Name: nameHTTP, Address: s.httpAddr})
	}
	return all
}

// report gathers the status of this server.
func (s *server) report() statusReport {
	conf := s.conf.Load()
	r := statusReport{
		Version: version, PID: os.Getpid(), Ready: s.serving.Load(),
		Started: s.started, Uptime: int64(time.Since(s.started).Seconds()),
		Config: conf.file, Data: conf.Server.Data,
		Domains: s.engine.Domains(), Components: componentFacts(s.engine.Components()), Certificates: s.certs.facts(),
		Addresses: s.addresses(), OpenFiles: s.openFiles, Figures: make(map[string]float64),
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if counts, err := s.engine.CountRemotes(ctx); err == nil {
		r.Federation = newFederationFact(&counts)
	}
	stats := s.engine.Stats()
	for _, f := range figures() {
		r.Figures[f.name] = f.value(&stats)
	}
	return r
}

func (p *program) status(fs *pflag.FlagSet, args []string) error {
	asJSON := fs.Bool("json", false, "print JSON")
	client, done, err := p.dialCommand(fs, args, 0, 0)
	if done || err != nil {
		return err
	}
	defer client.Close()
	report, err := client.status(context.Background())
	if err != nil {
		return err
	}
	if *asJSON {
		e := json.NewEncoder(p.stdout)
		e.SetIndent("", "  ")
		return e.Encode(report)
	}
	return report.print(p.stdout, time.Now())
}

// print shows the report as a table for people.
func (r *statusReport) print(out io.Writer, now time.Time) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(w, name+"\t"+format+"\n", args...) }
	state := "serving"
	if !r.Ready {
		state = "draining"
	}
	row("state", "%s, version %s, process %d", state, r.Version, r.PID)
	row("up", "%s, since %s", time.Duration(r.Uptime)*time.Second, r.Started.Format(time.DateTime))
	row("configuration", "%s", cmp.Or(r.Config, "none, the defaults"))
	row("data folder", "%s", r.Data)
	row("open files", "%d at most", r.OpenFiles)
	for _, a := range r.Addresses {
		row("listening", "%s %s", a.Name, a.Address)
	}
	row("domains", "%s", abridged(r.Domains, ", "))
	for _, c := range r.Components {
		row("component", "%s", c.describe(now))
	}
	if r.Federation != nil {
		row("other servers", "%s", r.Federation.describe())
	}
	for _, line := range describeAll(r.Certificates, now) {
		name, what, _ := strings.Cut(line, ": ")
		row(name, "%s", what)
	}
	for _, f := range figures() {
		row(strings.ReplaceAll(strings.TrimSuffix(f.name, "_total"), "_", " "), "%.0f", r.Figures[f.name])
	}
	return w.Flush()
}
