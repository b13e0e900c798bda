package media

import (
	"log/slog"
	"sync"
	"time"
)

// noise counts what may happen thousands of times a second and logs the
// counts at most once a second. Its classes are fixed texts.
type noise struct {
	log    *slog.Logger
	mu     sync.Mutex
	counts map[string]int
	timer  *time.Timer // running when there are counts
}

// add counts one event.
func (n *noise) add(class string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.counts == nil {
		n.counts = make(map[string]int)
	}
	n.counts[class]++
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
	for class, count := range counts {
		n.log.Warn("rtmp trouble", "what", class, "count", count)
	}
}
