package target

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// startXylem runs `xylem serve` with its defaults on a free port.
func startXylem(ctx context.Context, s Settings) (*Server, error) { return serveXylem(ctx, s) }

// startXylemQuick has it acknowledge messages before they are safe.
func startXylemQuick(ctx context.Context, s Settings) (*Server, error) {
	return serveXylem(ctx, s, "--set", "stream_management.durable_ack=false")
}

func serveXylem(ctx context.Context, s Settings, more ...string) (*Server, error) {
	if s.Xylem == "" {
		return nil, errors.New("no binary; name one by --xylem")
	}
	if err := s.importXylem(ctx); err != nil {
		return nil, err
	}
	args := []string{
		"serve", "--data", s.path("data"), "--domain", s.domain, "--c2s", "127.0.0.1:0", "--c2s-tls", "", "--s2s-tls", "", "--http", "",
	}
	config := ""
	if p := s.peer; p != nil {
		config = fmt.Sprintf("[s2s.static_hosts]\n%q = \"127.0.0.1:%d\"\n", p.domain, p.port)
		if err := s.write("xylem.toml", config); err != nil {
			return nil, err
		}
		args = append(args, "--config", s.path("xylem.toml"), "--s2s", fmt.Sprintf("127.0.0.1:%d", p.listen))
	} else {
		args = append(args, "--s2s", "")
	}
	args = append(args, more...)
	if !s.TLS {
		args = append(args, "--allow-plaintext")
	}
	if s.Payload > 200_000 {
		args = append(args, "--set", fmt.Sprintf("c2s.max_stanza_bytes=%d", s.Payload+64<<10))
	}
	if s.Held > 0 { // what waits for the socket, and what was sent and not acknowledged
		args = append(args, "--set", fmt.Sprintf("limits.outbound_bytes=%d", s.Held/2), "--set", fmt.Sprintf("limits.unacked_bytes=%d", s.Held/2))
	}
	ready := make(chan string, 1)
	p, err := s.launch(func(line string) {
		if strings.HasPrefix(line, "ready ") {
			ready <- line
		}
	}, nil, s.Xylem, args...)
	if err != nil {
		return nil, err
	}
	server := &Server{PID: p.cmd.Process.Pid, process: p, Version: firstLine(s.Xylem, "version"),
		Configuration: s.shown(lines("xylem", args)+config, s.ports()...)}
	timeout := time.NewTimer(startTime)
	defer timeout.Stop()
	select {
	case line := <-ready:
		for field := range strings.FieldsSeq(line) {
			if a, ok := strings.CutPrefix(field, "c2s="); ok {
				server.Address, _, _ = strings.Cut(a, ",")
			}
		}
		return server, nil
	case <-p.done:
		return nil, p.ended()
	case <-ctx.Done():
		return nil, p.failed("was interrupted")
	case <-timeout.C:
		return nil, p.failed("is not ready")
	}
}

// lines writes a command with a line for each flag, as a comment.
func lines(name string, args []string) string {
	text := "# " + name
	for _, a := range args {
		switch {
		case strings.HasPrefix(a, "--"):
			text += "\n#   " + a
		case a == "":
			text += " ''"
		default:
			text += " " + a
		}
	}
	return text + "\n"
}

// importXylem makes the accounts while the server does not run.
func (s Settings) importXylem(ctx context.Context) error {
	have, err := s.have()
	if err != nil {
		return err
	}
	if have >= s.Count {
		return nil
	}
	s.Log("%d accounts", s.Count-have)
	var list strings.Builder
	for i := have; i < s.Count; i++ {
		a := s.Users.At(i)
		fmt.Fprintf(&list, "%s,%s\n", a.Bare(s.domain), a.Password)
	}
	if err := os.MkdirAll(s.path("data"), 0o700); err != nil {
		return err
	}
	if err := s.write("accounts.csv", list.String()); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, s.Xylem, "user", "import", s.path("accounts.csv"), "--data", s.path("data"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("user import: %w: %.500s", err, out)
	}
	return s.remember()
}
