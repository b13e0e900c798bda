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

// line is the viewers of a ring that wait for more, the one that has waited
// longest first. They are linked to each other, so that waiting, waking and
// leaving allocate nothing. The stream's mutex guards it.
type line struct {
	first, last *Viewer
	n           int
}

// add puts a viewer at the end.
func (l *line) add(v *Viewer) {
	v.waits, v.before, v.behind = true, l.last, nil
	if l.last == nil {
		l.first = v
	} else {
		l.last.behind = v
	}
	l.last = v
	l.n++
}

// remove takes a viewer out, if it waits.
func (l *line) remove(v *Viewer) {
	if !v.waits {
		return
	}
	if v.before == nil {
		l.first = v.behind
	} else {
		v.before.behind = v.behind
	}
	if v.behind == nil {
		l.last = v.before
	} else {
		v.behind.before = v.before
	}
	v.waits, v.before, v.behind = false, nil, nil
	l.n--
}

// atOnce is how many viewers are woken before the stream's mutex is free for
// a moment: they need it, and must not queue up for it.
const atOnce = 32

// wake wakes the first n viewers that wait. The stream is not locked.
func (s *stream) wake(r *ring, n int) {
	var awake [atOnce]*Viewer
	for n > 0 {
		k := 0
		s.mu.Lock()
		for ; k < min(n, atOnce) && r.waiting.first != nil; k++ {
			awake[k] = r.waiting.first
			r.waiting.remove(awake[k])
		}
		s.mu.Unlock()
		for _, v := range awake[:k] {
			v.nudge()
		}
		if n -= k; k < atOnce {
			return
		}
	}
}

// show makes everything visible and returns how many wait for it.
func (r *ring) show(now time.Time) (waiting int) {
	r.visible, r.lastWake = r.end, now
	return r.waiting.n
}

// publish makes new tags visible: now, or by a timer when the last wake-up was
// less than the crowd's interval ago. It returns how many viewers to wake.
func (s *stream) publish(now time.Time) (waiting int) {
	r := s.ring
	if r == nil || r.visible == r.end || r.armed {
		return 0
	}
	wait := wakeInterval(s.relay.counters.viewers.Load()) - now.Sub(r.lastWake)
	if wait <= 0 || len(s.viewers) == 0 {
		return r.show(now)
	}
	r.armed = true
	s.relay.timers.Add(1)
	if r.timer == nil {
		r.timer = time.AfterFunc(wait, func() { s.due(r) })
	} else {
		r.timer.Reset(wait)
	}
	return 0
}

// due is what a ring's timer calls.
func (s *stream) due(r *ring) {
	defer s.relay.timers.Done()
	s.mu.Lock()
	r.armed = false
	n := r.show(time.Now())
	s.mu.Unlock()
	s.wake(r, n)
}

// close ends the ring: viewers read what is left and are done.
func (s *stream) closeRing(r *ring) {
	if r.armed && r.timer.Stop() {
		r.armed = false
		s.relay.timers.Done()
	}
	r.closed = true
	r.show(time.Now())
	for v := r.waiting.first; v != nil; v = r.waiting.first {
		r.waiting.remove(v)
		v.nudge()
	}
}
