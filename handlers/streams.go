package handlers

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"bookmygig/media"
)

// streams keeps the connections that were taken over from net/http: it finds
// out which viewers have left while nothing is sent to them, and waits for
// their goroutines at the end. The zero value is ready.
type streams struct {
	mu      sync.Mutex
	conns   map[*streamConn]struct{}
	closed  bool
	wg      sync.WaitGroup
	stallAt time.Duration // stallLimit where 0; tests make it short
}

// streamConn is one connection. It is written to by the relay's goroutines
// while its viewer keeps up, and by one of its own while it does not.
type streamConn struct {
	streams *streams
	conn    net.Conn
	viewer  *media.Viewer
	cancel  func()       // ends a wait for something to write
	wrote   atomic.Int64 // when something was written last, in Unix nanoseconds

	// Of the goroutine that writes.
	pending net.Buffers
	pusher
}

func (st *streams) stall() time.Duration {
	if st.stallAt > 0 {
		return st.stallAt
	}
	return stallLimit
}

// add counts a connection until it is removed and runs serve in a goroutine.
// It reports false, and runs nothing, when the server is going down.
func (st *streams) add(sc *streamConn, serve func()) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.closed {
		return false
	}
	if st.conns == nil {
		st.conns = map[*streamConn]struct{}{}
	}
	st.conns[sc] = struct{}{}
	st.wg.Add(1)
	go serve()
	return true
}

func (st *streams) remove(sc *streamConn) {
	sc.cancel()
	_ = sc.conn.Close()
	st.mu.Lock()
	delete(st.conns, sc)
	st.mu.Unlock()
	st.wg.Done()
}

// sweep ends the streams of viewers that have left. While a show is on air a
// write tells; this is for the grace, when nothing is written.
func (st *streams) sweep(now time.Time, idle time.Duration) {
	before := now.Add(-idle).UnixNano()
	st.mu.Lock()
	var quiet []*streamConn
	for sc := range st.conns {
		if w := sc.wrote.Load(); w != 0 && w < before {
			quiet = append(quiet, sc)
		}
	}
	st.mu.Unlock()
	for _, sc := range quiet {
		if hasLeft(sc.conn) {
			sc.cancel()
		}
	}
}

// wait refuses new streams and waits for the present ones, which end with the
// relay; what is left when the time is over is cut.
func (st *streams) wait(most time.Duration) {
	st.mu.Lock()
	st.closed = true
	st.mu.Unlock()
	cut := time.AfterFunc(most, func() {
		st.mu.Lock()
		defer st.mu.Unlock()
		for sc := range st.conns {
			sc.cancel()
			sc.Cut()
		}
	})
	defer cut.Stop()
	st.wg.Wait()
}
