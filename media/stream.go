package media

import (
	"sync"
	"time"
)

// stream is the live media of one gig: its publisher, its timeline and its
// ring. It exists from the first Publish until the grace runs out.
// Relay.mu may be held when mu is taken, never the other way round.
type stream struct {
	relay *Relay
	gigID string

	mu       sync.Mutex
	pub      *Publisher // nil while there is none
	ring     *ring      // nil until there is a tag that viewers can start at
	timeline timeline
	viewers  map[*Viewer]struct{}
	byID     map[string]*Viewer
	grace    *time.Timer // running, or nil
	contest  contest     // among encoders with the same key
	cutAt    time.Time   // when a change of tracks last ended the ring
	state    State       // last told
	ended    bool
	meter    meter
}

func newStream(r *Relay, gigID string) *stream {
	return &stream{
		relay: r, gigID: gigID, state: StateIdle,
		viewers: map[*Viewer]struct{}{}, byID: map[string]*Viewer{},
	}
}

// tell reports the stream's state when it has changed.
func (s *stream) tell() {
	state := StateIdle
	switch {
	case s.meter.since.IsZero() || s.ended:
	case s.pub != nil && s.pub.running && s.ring.open:
		state = StateLive
	default:
		state = StateReconnecting
	}
	if state != s.state {
		s.state = state
		s.relay.notifier.changed(s.gigID, state)
	}
}

// attach makes p the publisher and returns the one before, which the caller
// kicks once the locks are released.
func (s *stream) attach(p *Publisher, now time.Time) (old *Publisher, err error) {
	if old = s.pub; old != nil {
		if !s.contest.takeover(now, old.heardAt) {
			return nil, ErrBusy
		}
		s.detach(ErrTakenOver)
	}
	s.pub, p.heardAt = p, now
	s.timeline.restart()
	s.relay.counters.publishers.Add(1)
	s.tell()
	return old, nil
}

// detach ends the publisher, whose WriteTag returns err from now on, and lets
// the grace run when there is a show to go on with.
func (s *stream) detach(err error) {
	p := s.pub
	if p == nil {
		return
	}
	s.pub, p.err = nil, err
	s.relay.counters.publishers.Add(-1)
	if p.running {
		s.meter.interrupted(time.Now())
	}
	if s.ring != nil && !s.ring.open {
		s.dropRing()
	}
	if !s.meter.since.IsZero() && s.grace == nil && !s.ended {
		s.startGrace()
	}
	s.tell()
}

func (s *stream) startGrace() {
	var t *time.Timer
	t = s.relay.after(s.relay.options.Grace, func() {
		s.relay.mu.Lock()
		defer s.relay.mu.Unlock()
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.grace != t {
			return
		}
		s.grace = nil
		s.endShow()
		s.relay.forget(s)
	})
	s.grace = t
}

func (s *stream) stopGrace() {
	s.relay.cancel(s.grace)
	s.grace = nil
}

// endShow ends what viewers see. A publisher that is connected may begin anew.
func (s *stream) endShow() {
	s.stopGrace()
	s.dropRing()
	s.timeline.reset()
	s.meter = meter{}
	s.tell()
}

func (s *stream) dropRing() {
	if s.ring == nil {
		return
	}
	s.closeRing(s.ring)
	s.ring = nil
}

// end ends the stream for good; the caller kicks the publisher returned.
func (s *stream) end() *Publisher {
	p := s.pub
	s.ended = true
	s.detach(ErrEnded)
	s.endShow()
	return p
}

// join adds a viewer.
func (s *stream) join(viewerID string) (*Viewer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ring == nil || !s.ring.open {
		return nil, ErrNotLive
	}
	if old := s.byID[viewerID]; viewerID != "" && old != nil {
		old.replaced = true
		if old.sink != nil && !old.waits {
			s.relay.timers.Go(old.sink.Cut) // or it would hold on for as long as it stalls
		}
		s.remove(old) // the newer one takes its place
	} else if err := s.relay.seat(len(s.viewers)); err != nil {
		return nil, err
	}
	v := &Viewer{s: s, id: viewerID, ring: s.ring}
	s.viewers[v] = struct{}{}
	if viewerID != "" {
		s.byID[viewerID] = v
	}
	s.meter.peak = max(s.meter.peak, len(s.viewers))
	return v, nil
}

// leave removes a viewer, if it is still counted, and frees its place.
func (s *stream) leave(v *Viewer) {
	if s.remove(v) {
		s.relay.counters.viewers.Add(-1)
	}
}

// remove removes a viewer and reports whether it was still counted.
func (s *stream) remove(v *Viewer) bool {
	if _, ok := s.viewers[v]; !ok {
		return false
	}
	delete(s.viewers, v)
	if v.waits {
		v.ring.waiting.remove(v)
		v.nudge()
	}
	if s.byID[v.id] == v {
		delete(s.byID, v.id)
	}
	return true
}
