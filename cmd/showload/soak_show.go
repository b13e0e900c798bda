package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// The times of a show. Publishers begin so long before their timestamps wrap
// that it happens in the first act.
const (
	graceTime   = 60 * time.Second // of the server
	graceOver   = graceTime + 4*time.Second
	firstAct    = 25 * time.Second
	lastAct     = 12 * time.Second
	wrapAfter   = 20 * time.Second
	wrap24      = 1 << 24 * time.Millisecond
	wrap32      = 1 << 32 * time.Millisecond
	awayMost    = 20 * time.Second // of those that come back within the grace
	kickTime    = 5 * time.Second  // until a publisher that is not wanted is gone
	visitLeast  = 3 * time.Second
	visitMore   = 20 * time.Second
	visitPause  = 3 * time.Second // at most, between two visits
	soakTalk    = 0.2             // messages a second by each chatter
	soakSlow    = 32              // KiB a second that a slow viewer reads
	tidyingTime = 20 * time.Second
)

// act is what happens in the middle of a show.
type act func(*show) bool

var acts = []act{(*show).takeover, (*show).breakOff, (*show).stayAway, (*show).rotate}

// show is one gig from its listing to its end.
type show struct {
	*soak
	creator *creator
	gig     listed
	name    string
	ctx     context.Context // ends when the soak's time is over
	on      *publishing     // nil while there is none
}

// rehearse gives one short show, with somebody in each part.
func (s *soak) rehearse(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, tidyingTime)
	defer cancel()
	c, err := newCreator(s.url)
	if err != nil {
		return err
	}
	defer c.close()
	s.give(ctx, c, "Rehearsal", 0, func(sh *show) bool { return sh.play(3 * time.Second) })
	if len(s.told) > 0 {
		return fmt.Errorf("%s", s.told[0])
	}
	return ctx.Err()
}

// stage gives one show after the other.
func (s *soak) stage(ctx context.Context, i int) {
	c, err := newCreator(s.url)
	if err != nil {
		s.fault("%v", err)
		return
	}
	defer c.close()
	for n := i; ctx.Err() == nil; n++ {
		s.give(ctx, c, fmt.Sprintf("Soak %d on stage %d", n, i), n, func(sh *show) bool {
			return sh.first(n) && acts[n%len(acts)](sh) && sh.play(lastAct)
		})
		if ctx.Err() == nil && s.faultCount() > 0 {
			pause(ctx, time.Second) // a server that is gone is not asked a thousand times
		}
	}
}

// give lists a gig, runs its acts before an audience, and brings it down: by
// its creator, or, one in four, by leaving.
func (s *soak) give(ctx context.Context, c *creator, name string, n int, run func(*show) bool) {
	gig, err := c.list(ctx, name)
	if err != nil {
		if ctx.Err() == nil {
			s.fault("%s cannot be listed: %v", name, err)
		}
		return
	}
	s.count(func(t *tally) { t.Shows++ })
	sh := &show{soak: s, creator: c, gig: gig, name: name, ctx: ctx}
	house, leave := context.WithCancel(ctx)
	var people sync.WaitGroup
	sh.fill(house, &people)
	run(sh)
	if n%4 == 3 {
		sh.off()
	} else {
		sh.end()
	}
	leave()
	people.Wait()
}

// first is the first act: in two of three shows a wrap of the timestamps is in it.
func (sh *show) first(n int) bool {
	var start time.Duration
	switch n % 3 {
	case 1:
		start = wrap24 - wrapAfter
	case 2:
		start = wrap32 - wrapAfter
	}
	if !sh.begin(start) || !sh.play(firstAct) {
		return false
	}
	sh.count(func(t *tally) {
		switch n % 3 {
		case 1:
			t.Wraps24++
		case 2:
			t.Wraps32++
		}
	})
	return true
}

// begin publishes and waits until the show is live.
func (sh *show) begin(start time.Duration) bool {
	sh.on = publish(sh.ctx, sh.gig, sh.clip, start)
	if err := awaitLive(sh.ctx, streamURL(sh.url, sh.gig.id)); err != nil {
		if sh.ctx.Err() == nil {
			sh.fault("%s: %v", sh.name, err)
		}
		return false
	}
	return true
}

// play lets the show go on for a while. It reports false when the time of the
// soak is over or the publisher was thrown out.
func (sh *show) play(d time.Duration) bool {
	if sh.on == nil && !sh.begin(0) {
		return false
	}
	select {
	case err := <-sh.on.done:
		if sh.ctx.Err() == nil {
			sh.fault("%s: its publisher ended: %v", sh.name, err)
		}
		return false
	case <-time.After(d):
		return sh.ctx.Err() == nil
	case <-sh.ctx.Done():
		return false
	}
}

// off lets the publisher say goodbye, if there is one.
func (sh *show) off() {
	if sh.on != nil {
		sh.on.stop()
		sh.on = nil
	}
}

// takeover lets a newer publisher come, with a clock of its own.
func (sh *show) takeover() bool {
	old := sh.on
	if !sh.begin(time.Duration(rand.Uint32()) * time.Millisecond) {
		old.stop()
		return false
	}
	sh.gone(old, "was taken over")
	sh.count(func(t *tally) { t.Takeovers++ })
	return sh.play(lastAct)
}

// gone checks that the server has ended a publisher.
func (sh *show) gone(p *publishing, why string) {
	select {
	case <-p.done:
	case <-time.After(kickTime):
		if sh.ctx.Err() == nil {
			sh.fault("%s: a publisher that %s is still there", sh.name, why)
		}
	}
	p.stop()
}

// breakOff leaves and comes back within the grace.
func (sh *show) breakOff() bool {
	sh.off()
	if !pause(sh.ctx, rand.N(awayMost)) || !sh.begin(0) {
		return false
	}
	sh.count(func(t *tally) { t.Returns++ })
	return sh.play(lastAct)
}

// stayAway leaves for longer than the grace; then the show begins anew.
func (sh *show) stayAway() bool {
	sh.off()
	if !pause(sh.ctx, graceOver) {
		return false
	}
	visit, leave := context.WithTimeout(sh.ctx, time.Second)
	defer leave()
	v := newViewing(&audience{url: streamURL(sh.url, sh.gig.id)})
	if v.watchShow(visit, 0); v.Refused == 0 && sh.ctx.Err() == nil {
		sh.fault("%s: a viewer is let in %v after the publisher has left: %s", sh.name, graceOver, v.Fault)
	}
	sh.count(func(t *tally) { t.GracesOver++ })
	return sh.begin(0) && sh.play(lastAct)
}

// rotate takes a new key, which ends the publisher with the old one.
func (sh *show) rotate() bool {
	gig, err := sh.creator.rotate(sh.ctx, sh.gig.id)
	if err != nil {
		if sh.ctx.Err() == nil {
			sh.fault("%s: no new key: %v", sh.name, err)
		}
		return false
	}
	sh.gone(sh.on, "has an old key")
	sh.on, sh.gig = nil, gig
	sh.count(func(t *tally) { t.Rotations++ })
	return sh.begin(0) && sh.play(lastAct)
}

// end lets the creator bring the show down, also when the time of the soak is over.
func (sh *show) end() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(sh.ctx), tidyingTime)
	defer cancel()
	if _, err := sh.creator.post(ctx, "/studio/gigs/"+sh.gig.id+"/end", nil); err != nil {
		sh.fault("%s cannot be ended: %v", sh.name, err)
	}
	if sh.on != nil {
		sh.gone(sh.on, "was ended")
		sh.on = nil
	}
	sh.count(func(t *tally) { t.Ends++ })
}

// fill lets people in, who come and go until ctx ends.
func (sh *show) fill(ctx context.Context, people *sync.WaitGroup) {
	a := &audience{url: streamURL(sh.url, sh.gig.id)}
	for range sh.viewers {
		people.Go(func() { sh.seat(ctx, a, 0) })
	}
	people.Go(func() { sh.seat(ctx, a, soakSlow) })
	people.Go(func() {
		r := newRoom(sh.chatters)
		var talk sync.WaitGroup
		for i := range sh.chatters {
			talk.Go(func() { r.chat(ctx, plan{url: sh.url, gig: sh.gig.id, rate: soakTalk}, i) })
		}
		talk.Wait()
		sh.judgeRoom(r.sum())
	})
}

func (sh *show) judgeRoom(r chatReport) {
	sh.count(func(t *tally) { t.Messages += r.Sent })
	for _, text := range r.Faults {
		sh.fault("%s: %s", sh.name, text)
	}
	if r.Lost+r.Doubled+r.Disordered > 0 {
		sh.fault("%s: in the chat %d messages are lost, %d doubled, %d out of order", sh.name, r.Lost, r.Doubled, r.Disordered)
	}
}

// seat is taken by one viewer after the other.
func (sh *show) seat(ctx context.Context, a *audience, slowKBps int) {
	for ctx.Err() == nil {
		visit, leave := context.WithTimeout(ctx, visitLeast+rand.N(visitMore))
		v := newViewing(a)
		v.watchShow(visit, slowKBps)
		leave()
		if v.Fault != "" {
			sh.fault("%s: a viewer: %s", sh.name, v.Fault)
		}
		sh.count(func(t *tally) {
			t.Pictures += int(v.Tags)
			if v.Started {
				t.Visits++
			}
			if v.Refused != 0 {
				t.Refused++
			}
		})
		pause(ctx, rand.N(visitPause))
	}
}
