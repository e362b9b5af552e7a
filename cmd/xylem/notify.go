package main

import "net"

// notifySystemd tells the service manager a state such as "READY=1", if it
// gave a socket to tell it to (sd_notify(3), Type=notify).
func (p *program) notifySystemd(state string) error {
	path := p.env("NOTIFY_SOCKET")
	if path == "" {
		return nil
	}
	conn, err := net.Dial("unixgram", path)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write([]byte(state))
	return err
}
