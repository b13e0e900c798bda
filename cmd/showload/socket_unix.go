//go:build unix

package main

import (
	"errors"
	"io"
	"net"
	"syscall"
	"time"
)

// pour hands on what comes from the connection until it ends or take fails. It
// waits without a buffer.
func pour(c *net.TCPConn, take func(b []byte, now time.Time) error) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var end error
	err = raw.Read(func(fd uintptr) bool {
		buf := buffers.Get().(*[readBuffer]byte)
		defer buffers.Put(buf)
		// On to the error: a short read does not tell that the stream ended.
		for {
			n, err := syscall.Read(int(fd), buf[:])
			switch {
			case errors.Is(err, syscall.EINTR):
				continue
			case errors.Is(err, syscall.EAGAIN):
				return false
			case err != nil:
				end = err
			case n == 0:
				end = io.EOF
			default:
				end = take(buf[:n], time.Now())
			}
			if end != nil {
				return true
			}
		}
	})
	if end != nil {
		return end
	}
	return err
}

// send writes as much of b as the socket takes without a wait.
func send(c *net.TCPConn, b []byte) (n int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	failed := raw.Write(func(fd uintptr) bool {
		for n < len(b) {
			var m int
			m, err = syscall.Write(int(fd), b[n:])
			if errors.Is(err, syscall.EINTR) {
				continue
			}
			if err != nil {
				break
			}
			n += m
		}
		return true
	})
	if errors.Is(err, syscall.EAGAIN) {
		err = nil
	}
	return n, errors.Join(err, failed)
}
