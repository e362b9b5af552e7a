package target

import (
	"context"
	"fmt"
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
	return &Server{PID: p.cmd.Process.Pid, process: p, Address: address, Relay: true, Version: "no XMPP"}, nil
}
