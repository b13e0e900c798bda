package media

import (
	"log/slog"
	"sync"
)

// notifier logs changes and calls the observer from one goroutine, so that
// neither delays media. Of the changes that wait,
// only the latest of each gig is kept: what waits is bounded by the number of
// gigs, however slow the observer is.
type notifier struct {
	logger *slog.Logger

	mu       sync.Mutex
	observer Observer
	pending  map[string]State
	order    []string         // gigs in pending, first changed first
	told     map[string]State // what the observer knows, without idle ones
	closing  bool
	signal   chan struct{} // capacity 1
	done     chan struct{}
}

func newNotifier(l *slog.Logger) *notifier {
	n := &notifier{
		logger: l, pending: map[string]State{}, told: map[string]State{},
		signal: make(chan struct{}, 1), done: make(chan struct{}),
	}
	go n.run()
	return n
}

func (n *notifier) observe(o Observer) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.observer = o
}

// changed queues a change and never waits.
func (n *notifier) changed(gigID string, s State) {
	n.mu.Lock()
	if _, ok := n.pending[gigID]; !ok {
		n.order = append(n.order, gigID)
	}
	n.pending[gigID] = s
	n.mu.Unlock()
	n.poke()
}

// close lets the goroutine end once everything is told.
func (n *notifier) close() {
	n.mu.Lock()
	n.closing = true
	n.mu.Unlock()
	n.poke()
}

func (n *notifier) poke() {
	select {
	case n.signal <- struct{}{}:
	default:
	}
}

func (n *notifier) run() {
	defer close(n.done)
	for range n.signal {
		for {
			o, gigID, s, ok := n.take()
			if !ok {
				break
			}
			n.logger.Info("stream changed", "gig", gigID, "state", s)
			if o != nil {
				o.StreamChanged(gigID, s)
			}
		}
		n.mu.Lock()
		end := n.closing && len(n.order) == 0
		n.mu.Unlock()
		if end {
			return
		}
	}
}

// take returns the next change that the observer does not know of.
func (n *notifier) take() (o Observer, gigID string, s State, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for len(n.order) > 0 {
		gigID = n.order[0]
		n.order = n.order[1:]
		s = n.pending[gigID]
		delete(n.pending, gigID)
		before, known := n.told[gigID]
		if s == before || !known && s == StateIdle {
			continue
		}
		if s == StateIdle {
			delete(n.told, gigID)
		} else {
			n.told[gigID] = s
		}
		return n.observer, gigID, s, true
	}
	return nil, "", "", false
}
