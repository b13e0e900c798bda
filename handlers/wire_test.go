package handlers

import (
	"net"
	"strings"
	"sync"
	"testing"
)

// wire is a way to the server that can be cut, and that can lose what is on it.
type wire struct {
	URL string
	to  string
	ln  net.Listener
	wg  sync.WaitGroup

	mu       sync.Mutex
	conns    map[net.Conn]bool // true: to the browser
	down     bool              // connections are refused
	loseUp   bool              // what the browser sends gets lost
	loseDown bool              // what the server sends gets lost
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{URL: "http://" + ln.Addr().String(), to: strings.TrimPrefix(to, "http://"), ln: ln, conns: map[net.Conn]bool{}}
	w.wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			w.wg.Go(func() { w.carry(c) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		w.set(func() { w.down = true })
		w.wg.Wait()
	})
	return w
}

// set changes the state; connections are cut when it is down.
func (w *wire) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
	if w.down {
		for c := range w.conns {
			c.Close()
		}
	}
}

// goAway closes the browser's sockets in good order, with 1001: as a proxy
// does that is replaced.
func (w *wire) goAway() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c, browser := range w.conns {
		if browser {
			_, _ = c.Write([]byte{0x88, 2, 1001 >> 8, 1001 & 0xff}) // one that has gone needs none
		}
	}
}

func (w *wire) carry(in net.Conn) {
	defer in.Close()
	out, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	defer out.Close()
	w.mu.Lock()
	if w.down {
		w.mu.Unlock()
		return
	}
	w.conns[in], w.conns[out] = true, false
	w.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { w.copy(out, in, &w.loseUp) })
	both.Go(func() { w.copy(in, out, &w.loseDown) })
	both.Wait()
	w.set(func() { delete(w.conns, in); delete(w.conns, out) })
}

func (w *wire) copy(to, from net.Conn, lose *bool) {
	defer to.Close()
	b := make([]byte, 16<<10)
	for {
		n, err := from.Read(b)
		w.mu.Lock()
		lost := *lose
		w.mu.Unlock()
		if n > 0 && !lost {
			_, _ = to.Write(b[:n])
		}
		if err != nil {
			return
		}
	}
}
