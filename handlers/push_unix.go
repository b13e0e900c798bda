//go:build unix

package handlers

import (
	"errors"
	"syscall"
)

// pusher writes to a connection without ever waiting for it.
type pusher struct {
	raw  syscall.RawConn
	try  func(fd uintptr) bool // made once, as each would be an allocation
	fail error
}

// prepare reports whether push can be used.
func (sc *streamConn) prepare() bool {
	if sc.raw != nil {
		return true
	}
	c, ok := sc.conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	sc.raw, sc.try = raw, sc.write
	return true
}

// push writes what is pending as far as the socket takes it now.
func (sc *streamConn) push() error {
	if err := sc.raw.Write(sc.try); err != nil {
		return err
	}
	return sc.fail
}

// write is called with the socket, which Go keeps non-blocking. It returns
// true whatever happens: false would be to wait.
func (sc *streamConn) write(fd uintptr) bool {
	for len(sc.pending) > 0 {
		n, err := syscall.Write(int(fd), sc.pending[0])
		switch {
		case err == nil && n == len(sc.pending[0]):
			sc.pending = sc.pending[1:]
		case err == nil:
			sc.pending[0] = sc.pending[0][n:]
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EAGAIN):
			return true
		default:
			sc.fail = err
			return true
		}
	}
	return true
}
