package process

import (
	"context"
	"fmt"
	"net"
)

// FreePorts finds n different free loopback ports. They are free when looked
// for; a program that is given one binds it at once.
func FreePorts(n int) ([]int, error) {
	ports := make([]int, 0, n)
	for range n {
		// An address of digits is bound at once: nothing to cancel.
		l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("look for a free port: %w", err)
		}
		defer func() { _ = l.Close() }() // held to the end, so that all differ
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
