package target

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
)

// startRelay runs the relay as a process of its own, like every server.
func startRelay(ctx context.Context, s Settings) (*Server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	p, err := s.launch(nil, nil, s.Self, "relay", "--listen", address)
	if err != nil {
		return nil, err
	}
	if err := p.awaitPort(ctx, address); err != nil {
		return nil, err
	}
	return &Server{PID: p.cmd.Process.Pid, process: p, Address: address, Relay: true, Version: gnetVersion(),
		Configuration: s.shown("xylem-bench relay --listen "+address, port)}, nil
}

// gnetVersion is that of the event loop, which is all that there is.
func gnetVersion() string {
	info, _ := debug.ReadBuildInfo() // none in some tests
	if info != nil {
		for _, m := range info.Deps {
			if strings.HasPrefix(m.Path, "github.com/panjf2000/gnet") {
				return "gnet " + m.Version + ", no XMPP"
			}
		}
	}
	return "no XMPP"
}
