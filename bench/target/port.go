package target

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
)

// lowestPort is above those of well-known services.
const lowestPort = 10_000

// freePort finds a port for a server that cannot choose one itself. It is none of those
// that the kernel gives out (port 0, connections), or somebody might get it before the
// server has begun to listen.
func freePort() (int, error) {
	end := firstGivenOut()
	for range 100 {
		port := lowestPort + rand.IntN(end-lowestPort)
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("of a hundred ports from %d to %d none is free", lowestPort, end-1)
}

// firstGivenOut is the first port that the kernel gives out, see ip(7).
func firstGivenOut() int {
	const usual = 32_768
	b, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return usual
	}
	var first int
	if _, err := fmt.Sscan(string(b), &first); err != nil || first <= lowestPort {
		return usual // all ports are given out
	}
	return first
}
