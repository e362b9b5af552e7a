package target

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
)

// Modules of Prosody, beside those that it always loads (c2s, presence,
// message, iq, offline, …).
var (
	// What Debian's configuration enables, without limits (a throttle would be
	// all that is measured), dialback and the shell (they listen).
	prosodyModules = strings.Fields("disco roster saslauth tls blocklist bookmarks carbons pep private smacks vcard4 " +
		"vcard_legacy csi_simple ping register time uptime version")
	prosodyTuned = strings.Fields("disco roster saslauth tls smacks ping register")
)

func startProsody(ctx context.Context, s Settings) (*Server, error) {
	return s.prosody(ctx, prosodyModules, "")
}

// startProsodyTuned is what its documentation advises for many users and its
// developers for speed. opportunistic_writes is for plaintext only: in Prosody
// 0.12 what TLS did not take at once stays where it is, so that messages and
// logins are stuck until more is written. Between two servers there is TLS.
func startProsodyTuned(ctx context.Context, s Settings) (*Server, error) {
	modules := prosodyTuned
	if s.Carbons {
		modules = append(slices.Clone(modules), "carbons")
	}
	return s.prosody(ctx, modules, fmt.Sprintf(`
gc = { mode = "generational" }
network_settings = { opportunistic_writes = %t, tcp_backlog = 4096 }
`, !s.TLS && s.peer == nil))
}

func (s Settings) prosody(ctx context.Context, modules []string, tuning string) (*Server, error) {
	binary, err := exec.LookPath("prosody")
	if err != nil {
		return nil, errors.New("it is not installed (apt-get install prosody)")
	}
	cert, key, err := s.certificate()
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	federation, err := s.prosodyFederation()
	if err != nil {
		return nil, err
	}
	if s.peer != nil {
		modules = append(slices.Clone(modules), "dialback", "bench_peer")
	}
	config := fmt.Sprintf(`-- written by xylem-bench
run_as_root = true
pidfile = %q
data_path = %q
log = { warn = "*console" }
network_backend = "epoll"
interfaces = { "127.0.0.1" }
c2s_ports = { %d }
modules_enabled = { "%s" }
%s
authentication = "internal_hashed"
allow_registration = true
c2s_require_encryption = %t
allow_unencrypted_plain_auth = %t
c2s_stanza_size_limit = %d
%s
VirtualHost %q
	ssl = { certificate = %q, key = %q }
`, s.path("prosody.pid"), s.path("data"), port, strings.Join(modules, `"; "`), federation, s.TLS, !s.TLS, max(262144, s.Payload+65536),
		tuning, s.domain, cert, key)
	if err := s.write("prosody.cfg.lua", config); err != nil {
		return nil, err
	}
	if err := makeDir(s.path("data")); err != nil {
		return nil, err
	}
	p, err := s.launch(nil, nil, binary, "-F", "--config", s.path("prosody.cfg.lua"))
	if err != nil {
		return nil, err
	}
	server := &Server{PID: p.cmd.Process.Pid, process: p, Address: fmt.Sprintf("127.0.0.1:%d", port),
		Version: packageVersion("prosody", p.cmd.Process.Pid), Configuration: s.shown(config, append(s.ports(), port)...)}
	if err := p.awaitPort(ctx, server.Address); err != nil {
		return nil, err
	}
	return server, s.register(ctx, server)
}

// prosodyFederation is what the configuration says of other servers. Prosody
// has no table of hosts, so a module answers for the other server of a pair.
func (s Settings) prosodyFederation() (string, error) {
	p := s.peer
	if p == nil {
		return `modules_disabled = { "s2s" }`, nil
	}
	module := fmt.Sprintf(`-- written by xylem-bench
module:set_global();
local adns = require "net.adns";
function adns.resolver()
	return { lookup = function (_, answer, name)
		if name == "_xmpp-server._tcp.%s" then
			answer({ { srv = { priority = 0, weight = 0, port = %d, target = "127.0.0.1" } } });
		else
			answer(nil);
		end
	end };
end
`, p.domain, p.port)
	return fmt.Sprintf("plugin_paths = { %q }\ns2s_ports = { %d }\ns2s_stanza_size_limit = %d", s.Dir, p.listen, max(524288, s.Payload+65536)),
		s.write("mod_bench_peer.lua", module)
}
