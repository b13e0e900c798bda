package main

import (
	"sync"
	"time"
)

const (
	// ahead is how far, in milliseconds, the ends of the window lie in the
	// future when they are set: nobody has a tag of there yet.
	ahead = 500

	// remembered is for how long, in milliseconds of the stream, it is known
	// when a picture came first.
	remembered = 4096
)

// window is the part of a run that is measured, when all viewers are there and
// have caught up.
type window struct{ from, to time.Time }

func (w window) holds(t time.Time) bool { return !t.Before(w.from) && t.Before(w.to) }

// audience is what the viewers of one stream share, so that they can be
// compared: which tags there are in the window, and when each came first.
type audience struct {
	url    string
	window window

	mu      sync.Mutex
	newest  uint32 // timestamp
	counts  bool   // from is set
	closes  bool   // to is set
	from    uint32 // tags of this timestamp on count
	to      uint32 // up to before this one
	arrived [remembered]arrival
	lag     histogram
}

// arrival is when a picture came to the first viewer.
type arrival struct {
	timestamp uint32
	known     bool
	after     time.Duration // since the audience's window began
}

// open lets tags count that nobody has yet.
func (a *audience) open() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.from, a.counts = a.newest+ahead, true
}

// close sets the end.
func (a *audience) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.to, a.closes = a.newest+ahead, true
}

// note takes a tag that came to a viewer and tells whether it counts. It
// compares the times of pictures; sound travels with them.
func (a *audience) note(t tag, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.newest = max(a.newest, t.timestamp)
	if !a.counts || t.timestamp < a.from || a.closes && t.timestamp >= a.to {
		return false
	}
	if t.kind == tagVideo {
		a.compare(t.timestamp, now)
	}
	return true
}

func (a *audience) compare(timestamp uint32, now time.Time) {
	after := now.Sub(a.window.from)
	first := &a.arrived[timestamp%remembered]
	switch {
	case !first.known || first.timestamp < timestamp:
		*first = arrival{timestamp, true, after}
		a.lag.add(0)
	case first.timestamp == timestamp:
		a.lag.add(after - first.after)
	default: // so late that the place has gone to another
		a.lag.add(remembered * time.Millisecond)
	}
}

// histogram counts durations in steps of half a millisecond.
type histogram struct {
	counts [8192]int64
	total  int64
}

const histogramStep = 500 * time.Microsecond

// add counts a duration; what is too long for the histogram counts as its end.
func (h *histogram) add(d time.Duration) {
	h.counts[min(max(d, 0)/histogramStep, time.Duration(len(h.counts)-1))]++
	h.total++
}

// merge adds what another histogram counted.
func (h *histogram) merge(o *histogram) {
	for i, n := range o.counts {
		h.counts[i] += n
	}
	h.total += o.total
}

// quantile returns the upper end of the step in which q of the durations lie; 0 for none.
func (h *histogram) quantile(q float64) time.Duration {
	var sum int64
	for i, n := range h.counts {
		if sum += n; n > 0 && float64(sum) >= q*float64(h.total) {
			return time.Duration(i+1) * histogramStep
		}
	}
	return 0
}
