//go:build unix

package handlers

import (
	"net"
	"syscall"
)

// mostReads bounds what hasLeft takes from one connection at once.
const mostReads = 64

// hasLeft reports whether the peer has closed or lost the connection. It takes
// from the socket, which Go keeps non-blocking, what nobody else reads: a byte
// that was left there would hide the end behind it.
func hasLeft(conn net.Conn) bool {
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return true
	}
	left := false
	err = raw.Control(func(fd uintptr) {
		var b [4 << 10]byte
		n, err := 1, error(nil)
		for range mostReads {
			if n, err = syscall.Read(int(fd), b[:]); err != nil || n == 0 {
				break
			}
		}
		left = err == nil && n == 0 ||
			err != nil && err != syscall.EAGAIN && err != syscall.EWOULDBLOCK && err != syscall.EINTR
	})
	return left || err != nil
}
