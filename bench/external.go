package bench

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/xylem-im/xylem/bench/client"
	"github.com/xylem-im/xylem/bench/load"
	"github.com/xylem-im/xylem/bench/measure"
	"github.com/xylem-im/xylem/bench/target"
)

// external is a server that runs already.
func (r *run) external(ctx context.Context, s load.Settings) error {
	p := r.plan
	r.server = &target.Server{Name: r.name, Address: r.name, Domain: p.Domain, DirectTLS: p.DirectTLS, PID: p.process(r.name)}
	if err := listens(ctx, r.name); err != nil {
		return err
	}
	// Servers bound how many accounts an address may ask for.
	opts := &client.Options{Address: r.name, Domain: p.Domain, DirectTLS: p.DirectTLS, Mechanism: s.Mechanism, Source: client.Spread(1)}
	if s.TLS {
		opts.TLS = client.TLSConfig(p.Domain, false, "", client.Roots(p.ca))
	}
	if p.Register {
		p.watch(Progress{What: r.title("making accounts"), Done: -1})
		if err := target.Register(ctx, opts, p.Users, 0, p.accounts()); err != nil {
			return err
		}
	}
	if r.report.Versions[r.name] != "" {
		return nil
	}
	version, err := client.SoftwareVersion(ctx, opts, p.Users.At(0))
	if err != nil {
		return err
	}
	if pid := r.server.PID; pid > 0 {
		exe, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)) // only to be shown
		version = strings.TrimSpace(fmt.Sprintf("%s (process %d, %s)", version, pid, exe))
	}
	r.report.Versions[r.name] = version
	return nil
}

// listens tells whether there is a server at all.
func listens(ctx context.Context, address string) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("no server at %s (%w): start it first, or name a preset", address, err)
	}
	return c.Close()
}

// process is that of a server that runs already: the one that was named, or the one
// that listens at its address; 0 if that cannot be seen, or is the harness itself.
func (p *Plan) process(address string) int {
	if p.PID > 0 {
		return p.PID
	}
	at, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return 0 // told when it is connected to
	}
	ip, _ := netip.AddrFromSlice(at.IP)
	pid, err := measure.Listener(netip.AddrPortFrom(ip, uint16(at.Port)))
	if err != nil || pid == os.Getpid() {
		return 0
	}
	return pid
}

// remedy is what may help against a failure at a server that runs already.
func (p *Plan) remedy(failure string) string {
	for _, r := range []struct{ word, remedy string }{
		{"register: ", fmt.Sprintf("it lets nobody make accounts (--register): make %s to %s there by its own means, without --register, or allow that (XEP-0077)",
			p.Users.At(0).User, p.Users.At(p.accounts()-1).User)},
		{"not-authorized", fmt.Sprintf("the accounts are %s, %s, … (--user, --password), and --register makes them", p.Users.At(0).User, p.Users.At(1).User)},
		{"host-unknown", fmt.Sprintf("--domain says which domain it serves, %s as it is", p.Domain)},
		{"STARTTLS is not offered", "--direct-tls is for a port with TLS from the first byte, --security plain for one without"},
		{"x509: ", "--ca-file names who signed its certificate; without that it is not checked"},
		{"did not end in", "it takes connections, but does not answer in XMPP: is that the port for clients?"},
		{"connection reset by peer", "it may want TLS from the first byte (--security tls --direct-tls), or serve something else at this port"},
		{"policy-violation", "it bounds what one client or address may do; --per-address 1 spreads the clients over addresses"},
	} {
		if strings.Contains(failure, r.word) {
			return "; " + r.remedy
		}
	}
	return ""
}
