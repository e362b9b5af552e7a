package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/xylem-im/xylem/s2s"
	"github.com/xylem-im/xylem/s2s/resolve"
)

// checkItem is a line of the answer to POST /v1/s2s/check. The last has Done; an
// answer that ends without it was cut off.
type checkItem struct {
	After  float64 `json:"after"` // seconds since the start
	Text   string  `json:"text,omitempty"`
	Done   bool    `json:"done,omitempty"`
	Error  string  `json:"error,omitempty"`  // with Done: why it failed
	Remedy string  `json:"remedy,omitempty"` // what to do, unless Error says it
}

// checkRemote answers POST /v1/s2s/check: a test connection to domain in the
// name of from, the first domain by default, each step a line as it happens.
func (s *server) checkRemote(w http.ResponseWriter, r *http.Request) {
	domain, from := r.URL.Query().Get("domain"), r.URL.Query().Get("from")
	if from == "" {
		from = first(s.servedDomains(), "")
	}
	if s.peers == nil {
		writeAnswer(w, nil, errNoFederation)
		return
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // it may take minutes; fails on no connection that there is
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := json.NewEncoder(w)
	started := time.Now()
	tell := func(item checkItem) {
		item.After = time.Since(started).Seconds()
		_ = out.Encode(item) // fails only when the client has gone
		_ = control.Flush()
	}
	step := func(text string) { tell(checkItem{Text: text}) }
	err := s.check(r.Context(), from, domain, step)
	last := checkItem{Done: true}
	if err != nil {
		last.Error, last.Remedy = err.Error(), s2s.Remedy(err)
	}
	tell(last)
}

// check asks DNS anew, connects, and looks how others find the local domain,
// without which dialback fails.
func (s *server) check(ctx context.Context, from, domain string, step func(string)) error {
	if prepared, err := prepareDomain(domain); err == nil {
		domain = prepared
		s.peers.resolver.Forget(domain)
	}
	step("checking " + domain + " in the name of " + from)
	err := s.engine.CheckRemote(ctx, from, domain, step)
	if err == nil {
		s.engine.RecheckRemotes(domain) // what waits need not wait for the next try
	}
	step(s.wayBack(ctx, from))
	return explainFederation(err)
}

// wayBack says in a line how other servers find a domain of this one, as far as
// can be seen from here.
func (s *server) wayBack(ctx context.Context, local string) string {
	s.peers.resolver.Forget(local)
	targets, err := s.peers.resolver.Find(ctx, local, func(string) {})
	switch {
	case errors.Is(err, s2s.ErrNoService):
		return "the way back: others find no server of " + local + ": " + err.Error()
	case err != nil:
		return "the way back: whether others find " + local + " cannot be seen: " + err.Error()
	}
	hosts := make([]string, len(targets))
	for i, t := range targets {
		hosts[i] = resolve.Host{Name: t.Host, Port: t.Port, Direct: t.Direct}.String()
	}
	return "the way back: others find " + local + " at " + strings.Join(hosts, ", ") + doubt(targets, s.addresses())
}

// doubt says why others may not get to where they are led; "" when all seems
// well.
func doubt(targets []s2s.Target, listening []listenAddress) string {
	loopback, led := true, false
	var ports []string
	for _, l := range listening {
		if l.Name != nameS2S && l.Name != nameS2STLS {
			continue
		}
		loopback = loopback && isLoopback(l.Address)
		_, port, _ := net.SplitHostPort(l.Address) // the system made it
		ports = append(ports, port)
		for _, t := range targets {
			led = led || t.Direct == (l.Name == nameS2STLS) && strconv.Itoa(int(t.Port)) == port
		}
	}
	remote := slices.ContainsFunc(targets, func(t s2s.Target) bool {
		return slices.ContainsFunc(t.Addrs, func(a netip.Addr) bool { return !a.IsLoopback() })
	})
	switch {
	case remote && loopback:
		return "; but this server listens for others on loopback only: see s2s.listen"
	case !led:
		return "; but this server listens for others on port " + strings.Join(ports, " and ") + ", to which something must lead from there"
	}
	return ""
}

// s2sCheck is the command: a test connection by the running server.
func (p *program) s2sCheck(fs *pflag.FlagSet, args []string) error {
	from := fs.String("from", "", "`domain` of this server in whose name (default: the first that it serves)")
	client, done, err := p.dialCommand(fs, args, 1, 1)
	if done || err != nil {
		return err
	}
	defer client.Close()
	domain, err := prepareDomain(fs.Arg(0))
	if err != nil {
		return usageError{err}
	}
	body, err := client.open(context.Background(), http.MethodPost, "/v1/s2s/check", url.Values{"domain": {domain}, "from": {*from}}, nil)
	if err != nil {
		return err
	}
	defer body.Close()
	for d := json.NewDecoder(body); ; {
		var item checkItem
		if err := d.Decode(&item); err != nil {
			return fmt.Errorf("admin socket: the answer was cut off: %w", err)
		}
		after := time.Duration(item.After * float64(time.Second))
		switch {
		case !item.Done:
			printStep(p.stdout, after, item.Text)
		case item.Error == "":
			printStep(p.stdout, after, domain+" can be reached")
			return nil
		case item.Remedy != "":
			return errors.New(domain + " cannot be reached: " + item.Error + "\nwhat to do: " + item.Remedy)
		default:
			return errors.New(domain + " cannot be reached: " + item.Error)
		}
	}
}
