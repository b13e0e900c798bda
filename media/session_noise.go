package media

import (
	"log/slog"
	"net"
	"sync"
	"time"
)

// noise counts what may happen thousands of times a second and logs the
// counts at most once a second. Its classes are fixed texts.
type noise struct {
	log    *slog.Logger
	mu     sync.Mutex
	counts map[string]tally
	timer  *time.Timer // running when there are counts
}

// tally is how often something happened, and the address that it came from
// last, if from one.
type tally struct {
	count int
	addr  net.Addr
}

// add counts one event; addr is the client's, or nil.
func (n *noise) add(class string, addr net.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.counts == nil {
		n.counts = make(map[string]tally)
	}
	n.counts[class] = tally{n.counts[class].count + 1, addr}
	if n.timer == nil {
		n.timer = time.AfterFunc(time.Second, n.flush)
	}
}

// flush logs what was counted.
func (n *noise) flush() {
	n.mu.Lock()
	counts := n.counts
	n.counts = nil
	if n.timer != nil {
		n.timer.Stop()
		n.timer = nil
	}
	n.mu.Unlock()
	for class, t := range counts {
		attrs := []any{"what", class, "count", t.count}
		if t.addr != nil {
			attrs = append(attrs, "addr", t.addr.String())
		}
		n.log.Warn("rtmp trouble", attrs...)
	}
}
