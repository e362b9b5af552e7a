package target

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// startEjabberd runs the Erlang machine as ejabberdctl would, but as the
// current user, without a node name (so that no epmd is left behind) and with
// nothing throttled: shaper none, a queue that does not end sessions, and one of new
// connections that is longer than five, or clients wait a second to be tried again.
func startEjabberd(ctx context.Context, s Settings) (*Server, error) {
	erl, err := exec.LookPath("erl")
	dirs, _ := filepath.Glob("/usr/lib/*/ejabberd-*/ebin") // the pattern is right
	if err != nil || len(dirs) == 0 {
		return nil, errors.New("it is not installed (apt-get install ejabberd)")
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	config, err := s.ejabberdConfig(port)
	if err != nil {
		return nil, err
	}
	env := []string{
		"EJABBERD_CONFIG_PATH=" + s.path("ejabberd.yml"), "EJABBERD_LOG_PATH=" + s.path("ejabberd.log"),
		"ERL_CRASH_DUMP=" + s.path("crash.dump"), "HOME=" + s.Dir, "ERL_MAX_PORTS=100000",
	}
	if s.peer != nil {
		env = append(env, "ERL_INETRC="+s.path("inetrc"))
	}
	args := []string{"+K", "true", "+P", "1000000", "-noinput", "-start_epmd", "false",
		"-pa", dirs[len(dirs)-1], "-mnesia", "dir", `"` + s.path("data") + `"`, "-ejabberd", "quiet", "true", "-s", "ejabberd"}
	p, err := s.launch(nil, env, erl, args...)
	if err != nil {
		return nil, err
	}
	server := &Server{PID: p.cmd.Process.Pid, process: p, Address: fmt.Sprintf("127.0.0.1:%d", port),
		Version:       packageVersion("ejabberd", p.cmd.Process.Pid),
		Configuration: s.shown("# erl "+strings.Join(args, " ")+"\n"+config, append(s.ports(), port)...)}
	if err := p.awaitPort(ctx, server.Address); err != nil {
		return nil, err
	}
	return server, s.register(ctx, server)
}

// ejabberdModules are those of Debian's configuration that serve users.
var ejabberdModules = strings.Fields("mod_adhoc mod_blocking mod_caps mod_carboncopy mod_client_state mod_disco mod_last " +
	"mod_ping mod_privacy mod_private mod_pubsub mod_roster mod_stream_mgmt mod_vcard mod_vcard_xupdate mod_version")

// ejabberdConfig writes the configuration and returns its text.
func (s Settings) ejabberdConfig(port int) (text string, err error) {
	cert, key, err := s.certificate()
	if err != nil {
		return "", err
	}
	if err := makeDir(s.path("data")); err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# written by xylem-bench
loglevel: error
log_rotate_count: 0
hosts: [%s]
certfiles: [%q, %q]
auth_password_format: scram
registration_timeout: infinity
max_fsm_queue: 100000
shaper_rules:
  everybody_messages: 1000000
access_rules:
  everybody:
    - allow: all
listen:
  - port: %d
    ip: "127.0.0.1"
    module: ejabberd_c2s
    access: everybody
    shaper: none
    backlog: 4096
    max_stanza_size: %d
    starttls: true
    starttls_required: %t
    protocol_options: ["no_sslv3", "no_tlsv1", "no_tlsv1_1"]
%smodules:
  mod_register:
    ip_access: everybody
    access: everybody
    password_strength: 0
  mod_offline:
    access_max_user_messages: everybody_messages
`, s.domain, cert, key, port, max(262144, s.Payload+65536), s.TLS, s.ejabberdListener())
	for _, m := range ejabberdModules {
		fmt.Fprintf(&b, "  %s: {}\n", m)
	}
	if p := s.peer; p != nil {
		b.WriteString("  mod_s2s_dialback: {}\ns2s_use_starttls: required\noutgoing_s2s_families: [ipv4]\n")
		resolver := fmt.Sprintf("{lookup, [dns]}.\n{resolv_conf, \"\"}.\n{hosts_file, \"\"}.\n{nameserver, {127,0,0,1}, %d}.\n", p.names)
		if err := s.write("inetrc", resolver); err != nil {
			return "", err
		}
	}
	return b.String(), s.write("ejabberd.yml", b.String())
}

// ejabberdListener is the one for the other server of a pair.
func (s Settings) ejabberdListener() string {
	if s.peer == nil {
		return ""
	}
	return fmt.Sprintf("  - port: %d\n    ip: \"127.0.0.1\"\n    module: ejabberd_s2s_in\n    shaper: none\n    backlog: 4096\n    max_stanza_size: %d\n",
		s.peer.listen, max(262144, s.Payload+65536))
}

func makeDir(path string) error { return os.MkdirAll(path, 0o755) }
