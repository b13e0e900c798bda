//go:build unix

package handlers

import (
	"net"
	"syscall"
)

// hasLeft reports whether the peer has closed or lost the connection. It looks
// at the socket, which Go keeps non-blocking, and takes nothing from it.
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
		var b [1]byte
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK)
		left = err == nil && n == 0 ||
			err != nil && err != syscall.EAGAIN && err != syscall.EWOULDBLOCK && err != syscall.EINTR
	})
	return left || err != nil
}
