package media

import (
	"net"
	"os"
	"sync"
	"time"
)

// wire is the server's end of a connection in memory. What the client sends
// is there at once and without bound; deadlines are kept as the network keeps
// them, so in a bubble of synctest they cost no time.
type wire struct {
	mu      sync.Mutex
	sent    []byte // by the client, not yet read
	end     error  // what follows that, or nil: the client is silent
	deaf    bool   // the client reads no more: its buffers are full
	reset   bool   // the client is gone, and says so to whoever writes
	changed chan struct{}
	gone    chan struct{} // closed by Close
	closed  bool
	readBy  time.Time
	writeBy time.Time
	reading func() // called before each Read, or nil
}

func newWire() *wire { return &wire{changed: make(chan struct{}, 1), gone: make(chan struct{})} }

// send adds what the client sends.
func (w *wire) send(b []byte) { w.change(func() { w.sent = append(w.sent, b...) }) }

// change does f and lets a reader look again.
func (w *wire) change(f func()) {
	w.mu.Lock()
	f()
	w.mu.Unlock()
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// Read is called by one goroutine.
func (w *wire) Read(p []byte) (int, error) {
	if w.reading != nil {
		w.reading()
	}
	for {
		w.mu.Lock()
		by := w.readBy
		n, err := w.take(p)
		w.mu.Unlock()
		if n > 0 || err != nil {
			return n, err
		}
		if err := w.await(by, w.changed); err != nil {
			return 0, err
		}
	}
}

// take reads what is there, in the order of precedence of a network
// connection. The wire is locked.
func (w *wire) take(p []byte) (int, error) {
	switch {
	case w.closed:
		return 0, net.ErrClosed
	case w.late(w.readBy):
		return 0, os.ErrDeadlineExceeded
	case w.reset:
		return 0, w.end
	case len(w.sent) > 0:
		n := copy(p, w.sent)
		w.sent = w.sent[n:]
		return n, nil
	}
	return 0, w.end
}

func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	by, deaf, closed := w.writeBy, w.deaf, w.closed
	defer w.mu.Unlock()
	switch {
	case closed:
		return 0, net.ErrClosed
	case w.late(by):
		return 0, os.ErrDeadlineExceeded
	case w.reset:
		return 0, w.end
	case deaf:
		w.mu.Unlock()
		err := w.await(by, nil)
		w.mu.Lock()
		return 0, err
	}
	return len(p), nil
}

func (w *wire) late(by time.Time) bool { return !by.IsZero() && !time.Now().Before(by) }

// await waits for changed, and fails at the deadline or when w is closed.
func (w *wire) await(by time.Time, changed chan struct{}) error {
	var late <-chan time.Time
	if !by.IsZero() {
		t := time.NewTimer(time.Until(by))
		defer t.Stop()
		late = t.C
	}
	select {
	case <-changed:
		return nil
	case <-late:
		return os.ErrDeadlineExceeded
	case <-w.gone:
		return net.ErrClosed
	}
}

func (w *wire) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return net.ErrClosed
	}
	w.closed = true
	close(w.gone)
	return nil
}

func (w *wire) CloseWrite() error { return nil }

func (w *wire) SetReadDeadline(t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.readBy = t
	return nil
}

func (w *wire) SetWriteDeadline(t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writeBy = t
	return nil
}

func (w *wire) SetDeadline(t time.Time) error {
	_ = w.SetReadDeadline(t)
	return w.SetWriteDeadline(t)
}

func (w *wire) LocalAddr() net.Addr  { return &net.TCPAddr{} }
func (w *wire) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1} }

// wires is a listener whose connections are made by dial.
type wires struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newWires() *wires { return &wires{conns: make(chan net.Conn), done: make(chan struct{})} }

func (l *wires) dial() *wire {
	w := newWire()
	l.conns <- w
	return w
}

func (l *wires) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *wires) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *wires) Addr() net.Addr { return &net.TCPAddr{} }

var _ net.Conn = (*wire)(nil)
