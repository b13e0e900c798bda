package main

import (
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
)

// Bounds of the open connections; HTTP's include streams and sockets.
const (
	maxHTTPConns = 20_000
	maxRTMPConns = 1000
	minConns     = 16
	maxOpsConns  = 32
	otherFiles   = 64 // open files that are no visitor's and no encoder's
)

// room is how many connections of each kind may be open at once.
type room struct{ http, rtmp int }

// roomFor shares out the open files that the process may have. Those of
// encoders are set aside, so that visitors, however many, never lock out a show.
func roomFor(files int) room {
	rtmp := max(minConns, min(maxRTMPConns, files/4))
	return room{http: max(minConns, min(maxHTTPConns, files-rtmp-otherFiles)), rtmp: rtmp}
}

// listeners are the bound ports of the process. ops is nil when it is off.
type listeners struct{ http, rtmp, ops net.Listener }

// listen binds all ports or none.
func listen(c config) (l listeners, err error) {
	for _, p := range []struct {
		flag, addr string
		to         *net.Listener
	}{{"http", c.http, &l.http}, {"rtmp", c.rtmp, &l.rtmp}, {"ops", c.ops, &l.ops}} {
		if p.addr == "" {
			continue
		}
		if *p.to, err = net.Listen("tcp", p.addr); err != nil {
			l.close()
			return listeners{}, fmt.Errorf("-%s: %w", p.flag, err)
		}
	}
	return l, nil
}

func (l listeners) close() {
	for _, ln := range []net.Listener{l.http, l.rtmp, l.ops} {
		if ln != nil {
			_ = ln.Close() // it may be closed already, by the server that used it
		}
	}
}

// reachable is the address by which this machine reaches a listener.
func reachable(ln net.Listener) string {
	a := ln.Addr().(*net.TCPAddr)
	host := a.IP.String()
	if a.IP.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, fmt.Sprint(a.Port))
}

// cappedListener closes connections over a limit as soon as they come, so that
// a flood cannot take the file descriptors of the shows that are on. Its
// connections keep everything that a *net.TCPConn can do, writev included.
type cappedListener struct {
	net.Listener
	limit int
	open  atomic.Int64
	log   *slog.Logger
	full  atomic.Bool // the limit was reached and that has been logged
}

func (l *cappedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if n := int(l.open.Add(1)); n <= l.limit {
			if n < l.limit*9/10 {
				l.full.Store(false)
			}
			return &cappedConn{TCPConn: c.(*net.TCPConn), listener: l}, nil
		}
		l.open.Add(-1)
		_ = c.Close() // nothing was sent on it
		if !l.full.Swap(true) {
			l.log.Warn("too many connections, new ones are closed", "limit", l.limit)
		}
	}
}

type cappedConn struct {
	*net.TCPConn
	listener *cappedListener
	once     sync.Once
}

// Close implements net.Conn.
func (c *cappedConn) Close() error {
	c.once.Do(func() { c.listener.open.Add(-1) })
	return c.TCPConn.Close()
}
