package media

import "time"

// Crowd sizes between which wake-ups are spread: up to the first, viewers get
// every tag at once; from the second on, what came within maxWait.
const (
	smallCrowd = 100
	bigCrowd   = 1000
	maxWait    = 100 * time.Millisecond
)

// wakeInterval is the least time between two wake-ups of a stream's viewers.
// It grows with all viewers of the node, as they share its processors: fewer
// and larger writes are what keeps a crowd affordable.
func wakeInterval(viewers int64) time.Duration {
	if viewers <= smallCrowd {
		return 0
	}
	n := min(viewers, bigCrowd) - smallCrowd
	return maxWait * time.Duration(n) / (bigCrowd - smallCrowd)
}

// waitChan returns what is closed when more becomes visible.
func (r *ring) waitChan() chan struct{} {
	if r.wake == nil {
		r.wake = make(chan struct{})
	}
	return r.wake
}

// show makes everything visible and returns the channel to close, or nil.
func (r *ring) show(now time.Time) (wake chan struct{}) {
	r.visible, r.lastWake = r.end, now
	wake, r.wake = r.wake, nil
	return wake
}

// publish makes new tags visible: now, or by a timer when the last wake-up was
// less than the crowd's interval ago. It returns the channel to close, or nil.
func (s *stream) publish(now time.Time) (wake chan struct{}) {
	r := s.ring
	if r == nil || r.visible == r.end || r.timer != nil {
		return nil
	}
	wait := wakeInterval(s.relay.counters.viewers.Load()) - now.Sub(r.lastWake)
	if wait <= 0 || len(s.viewers) == 0 {
		return r.show(now)
	}
	r.timer = s.relay.after(wait, func() {
		s.mu.Lock()
		r.timer = nil
		wake := r.show(time.Now())
		s.mu.Unlock()
		if wake != nil {
			close(wake)
		}
	})
	return nil
}

// close ends the ring: viewers read what is left and are done.
func (r *ring) close() {
	r.closed = true
	if wake := r.show(time.Now()); wake != nil {
		close(wake)
	}
}
