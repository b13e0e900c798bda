package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What can happen to encoders, each with a gig of its own on one program.
func TestEncodersInTrouble(t *testing.T) {
	t.Parallel()
	p := startProgram(t)
	t.Run("trouble", func(t *testing.T) { // waits for those inside
		for _, away := range []time.Duration{2 * time.Second, 10 * time.Second} {
			t.Run(fmt.Sprintf("away for %v", away), func(t *testing.T) {
				t.Parallel()
				awayFor(t, p, away)
			})
		}
		t.Run("half open", func(t *testing.T) {
			t.Parallel()
			halfOpen(t, p)
		})
		t.Run("two with one key", func(t *testing.T) {
			t.Parallel()
			twoWithOneKey(t, p)
		})
	})
}

// onAir lists a gig, publishes to it and watches it.
func (p *program) onAir(t *testing.T, title string) (gig, target string, e *publisher, v *viewer) {
	t.Helper()
	gig, target = p.listGig(t, title)
	e = publish(t, "demo.flv", target)
	eventually(t, 30*time.Second, title+" is live", func() error { return p.isLive(gig) })
	v = p.watch(t, gig)
	v.goesOn(1)
	return gig, target, e, v
}

// An encoder is killed and comes back: over the same connection the viewer
// gets headers and a keyframe, right after what was last.
func awayFor(t *testing.T, p *program, away time.Duration) {
	gig, _, encoder, v := p.onAir(t, "Away "+away.String())
	encoder.leave()
	eventually(t, 20*time.Second, "the loss is noticed", func() error {
		if len(p.times(t, gig, "state=reconnecting")) == 0 {
			return errors.New("not yet")
		}
		return nil
	})
	time.Sleep(away)
	tags := v.seen(0)
	encoder.comeBack()
	v.until(30*time.Second, "the encoder is back", len(tags), func(tags []flvTag) bool { return len(tags) > 5 })
	if err := begins(v.seen(len(tags)), tags[len(tags)-1].ts); err != nil {
		t.Errorf("after the gap: %v", err)
	}
	v.goesOn(2)
}

// An encoder stands still with its connection open. Another one takes over at
// once, and the first one disturbs nobody when it moves again.
func halfOpen(t *testing.T, p *program) {
	gig, target, first, v := p.onAir(t, "Half open")
	if err := first.signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	tags := v.seen(0)
	publish(t, "demo.flv", target)
	// What the first one had sent may come before the second one's headers.
	v.until(30*time.Second, "the second one is on air", len(tags), cameIn)
	all := v.seen(0)
	at := len(tags)
	for all[at].kind != flvScript && !all[at].header {
		at++
	}
	if err := begins(all[at:], all[at-1].ts); err != nil {
		t.Errorf("the second one: %v", err)
	}
	first.stay()
	if err := first.signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	first.gone(20 * time.Second)
	n := v.count()
	v.goesOn(3)
	for _, tag := range v.seen(n) {
		if tag.header {
			t.Error("another publisher came in")
		}
	}
	if took, all := p.times(t, gig, "a newer publisher took over"), p.times(t, gig, "publisher started"); len(took) != 1 || len(all) != 2 {
		t.Errorf("%d takeovers by %d publishers", len(took), len(all))
	}
}

// Two encoders dial with one key whenever they are cut off. After three
// takeovers one of them stays on air, and the other reads why it may not. When
// the one stops, the other goes on at once.
func twoWithOneKey(t *testing.T, p *program) {
	gig, target, first, v := p.onAir(t, "Two cameras")
	second := publish(t, "demo.flv", target)
	const why = "Several encoders are using this stream key. Stop all but one, then try again."
	refused := func(e *publisher) int { return strings.Count(e.output.String(), why) }
	stays := first
	var a, b int
	eventually(t, 60*time.Second, "one of them is refused time and again", func() error {
		switch newA, newB := refused(first), refused(second); {
		case newA > a && newB > b:
			a, b = newA, newB // they have changed places
		case newA >= a+3:
			stays = second
			return nil
		case newB >= b+3:
			return nil
		}
		return fmt.Errorf("%d and %d times", refused(first), refused(second))
	})
	took := p.times(t, gig, "a newer publisher took over")
	for i := 3; i < len(took); i++ {
		if d := took[i].Sub(took[i-3]); d < 10*time.Second {
			t.Errorf("four takeovers in %v", d)
		}
	}
	if len(took) < 3 {
		t.Errorf("%d takeovers", len(took))
	}
	n := v.count()
	stays.leave()
	v.until(8*time.Second, "the other one is on air", n, cameIn)
	v.goesOn(1)
}

// cameIn tells whether a publisher has come in among the tags.
func cameIn(tags []flvTag) bool {
	i := slices.IndexFunc(tags, func(t flvTag) bool { return t.header })
	return i >= 0 && len(tags) > i+5
}

// times returns when the program logged what about the gig.
func (p *program) times(t *testing.T, gig, what string) (all []time.Time) {
	t.Helper()
	for line := range strings.Lines(p.log.String()) {
		if !strings.Contains(line, "gig="+gig) || !strings.Contains(line, what) {
			continue
		}
		stamp, _, _ := strings.Cut(strings.TrimPrefix(line, "time="), " ")
		at, err := time.Parse(time.RFC3339Nano, stamp)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, at)
	}
	return all
}
