package handlers

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"bookmygig/media"
	"bookmygig/store"
)

const (
	pulseEvery    = 1500 * time.Millisecond // how fast viewer counts follow
	storePatience = 2 * time.Second         // for reads and writes that no visitor waits for
	goneAfter     = 3 * time.Second         // without a write, a viewer is asked whether it is there
	complainEach  = time.Minute             // one log line about a failing store
)

// pulse is what open gig pages were told last, and what is known of the shows
// under way. The zero value is ready.
type pulse struct {
	keeping sync.Mutex // held while what was played is written, so that each part counts once

	mu         sync.Mutex
	told       map[string]told    // by gig id, for rooms that have members
	airing     map[string]*airing // by gig id, for streams that are not idle
	complained time.Time
}

// told is what a room was sent last.
type told struct{ stage, house []byte }

// airing is a show that is on air or in its grace.
type airing struct {
	since time.Time
	lost  time.Time // when the publisher was lost; zero: it is there
	peak  int
}

// StreamChanged implements media.Observer: it keeps when and for how long the
// gig was on air, and tells the open pages.
func (s *Server) StreamChanged(gigID string, state media.State) {
	ctx, cancel := context.WithTimeout(context.Background(), storePatience)
	defer cancel()
	now := time.Now()
	h, _ := s.Relay.Health(gigID)
	if began := s.pulse.aired(gigID, state, h.Peak, now); began || state == media.StateIdle {
		s.keep(ctx, gigID, state, now)
	}
	s.announce(ctx, gigID)
}

// keep writes the first time on air, and what was played of a show that ended
// unless its creator brought it down: then that is written already.
func (s *Server) keep(ctx context.Context, gigID string, state media.State, now time.Time) {
	s.pulse.keeping.Lock()
	defer s.pulse.keeping.Unlock()
	var ended *airing
	if state == media.StateIdle {
		if ended = s.pulse.take(gigID); ended == nil {
			return
		}
	}
	_, err := s.Gigs.UpdateGig(ctx, gigID, func(g *store.Gig) error {
		if g.AiredAt.IsZero() {
			g.AiredAt = now.UTC()
		}
		ended.addTo(g, now)
		return nil
	})
	s.complain(err)
}

// aired follows the state of a show and reports whether one began. The one
// that ended stays until it is taken.
func (p *pulse) aired(gigID string, state media.State, peak int, now time.Time) (began bool) {
	if state == media.StateIdle {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.airing[gigID]
	if a == nil {
		if p.airing == nil {
			p.airing = map[string]*airing{}
		}
		a, began = &airing{since: now}, true
		p.airing[gigID] = a
	}
	a.peak = max(a.peak, peak)
	a.lost = time.Time{}
	if state == media.StateReconnecting {
		a.lost = now
	}
	return began
}

// show returns what is known of the gig's show under way, or nil.
func (p *pulse) show(gigID string) *airing {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.airing[gigID]
	if a == nil {
		return nil
	}
	known := *a
	return &known
}

// take forgets the gig's show and returns what was known of it, or nil.
func (p *pulse) take(gigID string) *airing {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.airing[gigID]
	delete(p.airing, gigID)
	return a
}

// addTo adds a show that ended to what the gig keeps. It may be nil.
func (a *airing) addTo(g *store.Gig, now time.Time) {
	if a == nil {
		return
	}
	end := now
	if !a.lost.IsZero() {
		end = a.lost
	}
	g.AirTime += end.Sub(a.since)
	g.Peak = max(g.Peak, a.peak)
}

// peak returns the most viewers at once of the gig so far.
func (s *Server) peak(g *store.Gig) int {
	h, _ := s.Relay.Health(g.ID)
	most := max(g.Peak, h.Peak)
	if a := s.pulse.show(g.ID); a != nil {
		most = max(most, a.peak)
	}
	return most
}

// announce tells the members of the gig's room what has changed on its page.
func (s *Server) announce(ctx context.Context, gigID string) {
	g, err := s.Gigs.Gig(ctx, gigID)
	if err != nil {
		s.complain(err)
		return
	}
	now := s.tell(&g)
	p := &s.pulse
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.told[gigID]
	var frame []byte
	if !bytes.Equal(was.stage, now.stage) {
		frame = append(frame, now.stage...)
	}
	if !bytes.Equal(was.house, now.house) {
		frame = append(frame, now.house...)
	}
	if len(frame) == 0 {
		return
	}
	if p.told == nil {
		p.told = map[string]told{}
	}
	p.told[gigID] = now
	s.Hub.Broadcast(gigID, frame)
}

// Run keeps open pages fresh (viewer counts, shows that pass their time) until
// ctx ends. Then it waits for the streams, which end with the relay, and cuts
// what is left of them after a moment.
func (s *Server) Run(ctx context.Context) error {
	tick := time.NewTicker(pulseEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			s.streams.wait(storePatience)
			return nil
		case now := <-tick.C:
			s.beat(ctx, now)
		}
	}
}

// beat looks at every room once. It takes no longer than storePatience.
func (s *Server) beat(ctx context.Context, now time.Time) {
	ctx, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	s.streams.sweep(now, goneAfter)
	s.countHouses()
	rooms := s.Hub.Rooms()
	for _, id := range rooms {
		if ctx.Err() != nil {
			return
		}
		s.announce(ctx, id)
	}
	s.pulse.forget(rooms)
}

// countHouses keeps the most viewers of each show under way.
func (s *Server) countHouses() {
	for id, n := range s.Relay.Live() {
		s.pulse.mu.Lock()
		if a := s.pulse.airing[id]; a != nil {
			a.peak = max(a.peak, n)
		}
		s.pulse.mu.Unlock()
	}
}

// forget drops what rooms were told that have no members any more.
func (p *pulse) forget(rooms []string) {
	present := make(map[string]bool, len(rooms))
	for _, id := range rooms {
		present[id] = true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for id := range p.told {
		if !present[id] {
			delete(p.told, id)
		}
	}
}

// complain logs an error of the store that no visitor sees, at most once a
// minute.
func (s *Server) complain(err error) {
	if err == nil || errors.Is(err, store.ErrNotFound) || errors.Is(err, context.Canceled) {
		return
	}
	s.pulse.mu.Lock()
	defer s.pulse.mu.Unlock()
	if time.Since(s.pulse.complained) < complainEach {
		return
	}
	s.pulse.complained = time.Now()
	s.Logger.Warn("gig pages may be behind: the store does not answer", "err", err)
}
