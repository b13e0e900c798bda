package media

import (
	"io"
	"net"
	"testing"
	"time"
)

// awaitHangUp reads until the server ends the connection.
func awaitHangUp(t testing.TB, conn net.Conn) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	_, err := io.Copy(io.Discard, conn)
	if ne, ok := err.(net.Error); ok && ne.Timeout() {
		t.Fatal("the server did not hang up")
	}
}

// replay sends a recorded session and waits until the server has hung up.
func replay(t testing.TB, p *place, raw []byte) {
	t.Helper()
	conn := p.dial(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(io.Discard, conn)
	}()
	_ = conn.SetWriteDeadline(time.Now().Add(20 * time.Second))
	if _, err := conn.Write(raw); err != nil {
		t.Fatal(err)
	}
	_ = conn.(*net.TCPConn).CloseWrite()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("the server did not hang up")
	}
}
