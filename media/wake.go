package media

import (
	"runtime"
	"time"
)

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

// atOnce is how many viewers are served before the stream's mutex is free for
// a moment.
const atOnce = 32

// wake serves the first n viewers that wait. The caller's goroutine does it,
// and where there are many, others help. The stream is not locked.
func (s *stream) wake(r *ring, n int) {
	if n == 0 {
		return
	}
	parts := min(runtime.GOMAXPROCS(0), 1+n/smallCrowd)
	for range parts - 1 {
		s.relay.timers.Go(func() { s.serve(r, n/parts) })
	}
	s.serve(r, n-n/parts*(parts-1))
}

// serve hands what is visible to the first n viewers that wait. Nobody waits
// for one of them: whoever does not take it at once is left to its sink.
func (s *stream) serve(r *ring, n int) {
	var some [atOnce]*Viewer
	k := 0
	for {
		s.mu.Lock()
		k = r.resume(some[:k])
		for ; k < atOnce && n > 0 && r.waiting.first != nil; n-- {
			v := r.waiting.first
			r.waiting.remove(v)
			if v.sink == nil {
				v.nudge()
				continue
			}
			v.out, v.err = v.take()
			some[k] = v
			k++
		}
		s.mu.Unlock()
		if k == 0 {
			return
		}
		kept := some[:0]
		for _, v := range some[:k] {
			if v.deliver() {
				kept = append(kept, v)
			}
		}
		k = len(kept)
	}
}

// resume lets viewers that took all wait again, and keeps at the front those
// for which more has come meanwhile. It returns how many these are.
func (r *ring) resume(some []*Viewer) (k int) {
	for _, v := range some {
		v.out, v.err = v.take()
		if v.err == nil && len(v.out) == 0 {
			r.waiting.add(v)
			continue
		}
		some[k] = v
		k++
	}
	return k
}

// deliver gives the sink what was taken for it, and reports whether it goes on.
func (v *Viewer) deliver() bool {
	if v.err != nil {
		v.sink.End()
		return false
	}
	v.count(v.out)
	return len(v.out) == 0 || v.sink.Send(v.out)
}

// show makes everything visible and returns how many wait for it.
func (r *ring) show(now time.Time) (waiting int) {
	if r.visible.block == r.end.block {
		r.batch = r.end.off - r.visible.off
	}
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

// closeRing ends the ring: viewers read what is left and are done.
func (s *stream) closeRing(r *ring) {
	if r.armed && r.timer.Stop() {
		r.armed = false
		s.relay.timers.Done()
	}
	r.closed = true
	if n := r.show(time.Now()); n > 0 {
		s.relay.timers.Go(func() { s.wake(r, n) })
	}
}
