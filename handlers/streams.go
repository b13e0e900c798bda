package handlers

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
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

type streamConn struct {
	conn   net.Conn
	cancel func()       // ends a wait for something to write
	wrote  atomic.Int64 // when the last write began, in Unix nanoseconds

	// Of the goroutine that writes.
	until   time.Time   // the write deadline
	pending net.Buffers // what is being written
}

// extend sets the write deadline to look from now, unless half of that is left
// still: a deadline for each write would be a good part of the write's price.
func (sc *streamConn) extend(now time.Time, look time.Duration) error {
	if sc.until.Sub(now) >= look/2 {
		return nil
	}
	sc.until = now.Add(look)
	return sc.conn.SetWriteDeadline(sc.until)
}

// send writes what is pending, as far as it can, and takes that off: one slice,
// as there nearly always is, with a plain write, several with one writev.
func (sc *streamConn) send() (int64, error) {
	if len(sc.pending) != 1 {
		return sc.pending.WriteTo(sc.conn)
	}
	n, err := sc.conn.Write(sc.pending[0])
	sc.pending[0] = sc.pending[0][n:]
	return int64(n), err
}

func (st *streams) stall() time.Duration {
	if st.stallAt > 0 {
		return st.stallAt
	}
	return stallLimit
}

// add runs serve in a goroutine that wait waits for. It reports false, and
// runs nothing, when the server is going down.
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
	st.wg.Go(serve)
	return true
}

func (st *streams) remove(sc *streamConn) {
	sc.cancel()
	_ = sc.conn.Close()
	st.mu.Lock()
	delete(st.conns, sc)
	st.mu.Unlock()
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
			_ = sc.conn.Close()
		}
	})
	defer cut.Stop()
	st.wg.Wait()
}
