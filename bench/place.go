package bench

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"

	"github.com/xylem-im/xylem/bench/load"
	"github.com/xylem-im/xylem/bench/measure"
	"github.com/xylem-im/xylem/bench/target"
)

// checkCPUs tells whether processes can run on the cores of such a list; "" is all.
func checkCPUs(list string) error {
	if list == "" {
		return nil
	}
	out, err := exec.Command("taskset", "-c", list, "true").CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return errors.New("taskset is needed to choose cores (Debian: util-linux)")
	}
	if err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// onCores is a command as it runs where generators do. A crowd beside users has what they
// leave of the cores, if none of these are the server's: it makes load, and they are what is
// measured. Where the server has the same cores it could not keep its rate that way.
func (p *Plan) onCores(job load.Job, command ...string) []string {
	if p.ClientCPUs == "" {
		return command
	}
	command = append([]string{"taskset", "-c", p.ClientCPUs}, command...)
	if job.Beside() && p.ServerCPUs != "" {
		command = append([]string{"chrt", "--idle", "0"}, command...)
	}
	return command
}

// stay has this process run where the generators do, too: what it reads of a server twice
// a second would take the server's core for milliseconds. undo is for whoever goes on.
func (p *Plan) stay() (undo func(), err error) {
	if p.ServerCPUs == "" || p.ClientCPUs == "" {
		return func() {}, nil
	}
	undo, err = measure.Confine(p.ClientCPUs)
	if err != nil {
		return nil, fmt.Errorf("--client-cpus %s: %w", p.ClientCPUs, err)
	}
	return undo, nil
}

// sharedCores says when servers and generators are not on cores of their own, though they
// were given some.
func (p *Plan) sharedCores() []string {
	if p.ServerCPUs == "" || p.ClientCPUs == "" {
		return nil
	}
	switch same, threads := measure.Shared(p.ServerCPUs, p.ClientCPUs); {
	case same:
		return []string{fmt.Sprintf("servers (%s) and generators (%s) share cores, so each slows the other", p.ServerCPUs, p.ClientCPUs)}
	case threads:
		return []string{fmt.Sprintf("servers (%s) and generators (%s) run on threads of the same cores, so each slows the other: "+
			"lscpu --extended tells which belong together", p.ServerCPUs, p.ClientCPUs)}
	}
	return nil
}

// readCA reads CAFile.
func (p *Plan) readCA() error {
	if p.CAFile == "" {
		return nil
	}
	b, err := os.ReadFile(p.CAFile)
	if err != nil {
		return err
	}
	if !x509.NewCertPool().AppendCertsFromPEM(b) {
		return errors.New("it has no certificate in PEM form")
	}
	p.ca = string(b)
	return nil
}

// checkLoopback refuses an address of another machine. A load generator that
// can be pointed anywhere is a weapon; who measures over a network runs it
// behind a port forward.
func checkLoopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		var names []string
		for _, p := range target.Presets() {
			names = append(names, p[0])
		}
		return fmt.Errorf("%s is neither host:port nor one of %s", address, strings.Join(names, ", "))
	}
	ips, err := net.LookupIP(host)
	if err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	for _, ip := range ips {
		if !ip.IsLoopback() {
			return fmt.Errorf("%s is not this machine: load goes to loopback addresses only", address)
		}
	}
	return nil
}
