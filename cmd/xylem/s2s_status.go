package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/pflag"
)

// s2sStatus shows how it stands with other servers: a table, or all that is
// known of one domain.
func (p *program) s2sStatus(fs *pflag.FlagSet, args []string) error {
	asJSON := fs.Bool("json", false, "print JSON")
	client, done, err := p.dialCommand(fs, args, 0, 1)
	if done || err != nil {
		return err
	}
	defer client.Close()
	domain := fs.Arg(0)
	if domain != "" {
		if domain, err = prepareDomain(domain); err != nil {
			return usageError{err}
		}
	}
	var reports []remoteReport
	if err := client.call(context.Background(), http.MethodGet, "/v1/s2s", url.Values{"domain": {domain}}, nil, &reports); err != nil {
		return err
	}
	switch {
	case *asJSON:
		e := json.NewEncoder(p.stdout)
		e.SetIndent("", "  ")
		return e.Encode(reports)
	case domain != "" && len(reports) == 0:
		fmt.Fprintf(p.stdout, "nothing is known of %s: nothing was sent there or came from there lately; try it: xylem s2s check %s\n", domain, domain)
		return nil
	case domain != "":
		return reports[0].print(p.stdout, time.Now())
	}
	return printRemotes(p.stdout, reports, time.Now())
}

// printRemotes is the table, a domain a line.
func printRemotes(out io.Writer, reports []remoteReport, now time.Time) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DOMAIN\tSTATE\tIN\tOUT\tWAITING\tLAST ERROR")
	for i := range reports {
		r := &reports[i]
		in, out := 0, 0
		for _, s := range r.Streams {
			if s.Direction == "in" {
				in++
			} else {
				out++
			}
		}
		trouble := "-"
		if r.LastError != "" {
			trouble = fmt.Sprintf("%s ago: %s", age(now, r.ErrorAt), shorten(r.LastError, 100))
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%s\n", r.Domain, r.State, in, out, r.Queued, trouble)
	}
	return w.Flush()
}

// print is the whole story of a domain.
func (r *remoteReport) print(out io.Writer, now time.Time) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(w, name+"\t"+format+"\n", args...) }
	row("domain", "%s", r.Domain)
	row("state", "%s", r.State)
	row("policy", "%s", r.Policy)
	for i := range r.Streams {
		r.Streams[i].rows(row, now)
	}
	row("waiting", "%d stanzas, %d bytes", r.Queued, r.QueuedBytes)
	if r.LastError != "" {
		row("last error", "%s ago: %s", age(now, r.ErrorAt), r.LastError)
	}
	if r.Remedy != "" {
		row("what to do", "%s", r.Remedy)
	}
	if r.Failures > 0 {
		row("failures", "%d attempts in a row", r.Failures)
	}
	if r.NextTry.After(now) {
		row("next try", "in %s, when there is something to send", r.NextTry.Sub(now).Round(time.Second))
	}
	if err := w.Flush(); err != nil || len(r.Steps) == 0 {
		return err
	}
	fmt.Fprintf(out, "\nlast attempt to reach it, %s:\n", r.Steps[0].At.Local().Format(time.DateTime))
	for _, s := range r.Steps {
		printStep(out, s.At.Sub(r.Steps[0].At), s.Text)
	}
	return nil
}

func (s *streamReport) rows(row func(name, format string, args ...any), now time.Time) {
	opened := map[string]string{"in": "opened by it", "out": "opened by this server"}[s.Direction]
	row("stream "+s.Direction, "%s, %s %s ago, %s", s.Address, opened, age(now, s.Since), cmp.Or(s.Security, "no TLS yet"))
	if s.Security != "" {
		row("  certificate", "%s", cmp.Or(s.Certificate, "proves the domain"))
	}
	for _, x := range []struct {
		name  string
		pairs []provedPair
	}{{"  sends", s.Sends}, {"  receives", s.Receives}} {
		texts := make([]string, len(x.pairs))
		for i, p := range x.pairs {
			texts[i] = p.Local + " (" + p.Method + ")"
		}
		if len(texts) > 0 {
			row(x.name, "%s", abridged(texts, ", "))
		}
	}
}

// printStep is a line with the time since the start.
func printStep(out io.Writer, after time.Duration, text string) {
	fmt.Fprintf(out, "%9.3f s  %s\n", after.Seconds(), text)
}

// age is the time since t, for people.
func age(now, t time.Time) string {
	d := now.Sub(t)
	if d > time.Minute {
		return durationText(d.Truncate(time.Minute))
	}
	return d.Truncate(time.Second).String()
}

// shorten cuts a text for a table.
func shorten(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return strings.TrimSpace(string(runes[:most])) + "…"
	}
	return text
}
