//go:build !unix

package main

import (
	"errors"
	"net"
	"os"
	"time"
)

// pour hands on what comes from the connection until it ends or take fails.
func pour(c *net.TCPConn, take func(b []byte, now time.Time) error) error {
	b := make([]byte, readBuffer)
	for {
		n, err := c.Read(b)
		if taken := take(b[:n], time.Now()); taken != nil {
			return taken
		}
		if err != nil {
			return err
		}
	}
}

// send writes as much of b as the socket takes without much of a wait.
func send(c *net.TCPConn, b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(time.Millisecond)); err != nil {
		return 0, err
	}
	n, err := c.Write(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	return n, err
}
