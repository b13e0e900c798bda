package media

import (
	"errors"
	"testing"
	"time"
)

func TestContest(t *testing.T) {
	type try struct {
		after  time.Duration // since the try before
		silent time.Duration // the publisher by then
		in     bool
	}
	const s = time.Second
	for _, tc := range []struct {
		name  string
		tries []try
		on    bool // after them
	}{
		{"a few takeovers", []try{{0, 0, true}, {s, 0, true}, {10 * s, 0, true}, {s, 0, true}}, false},
		{"the third in ten seconds is left alone for ten", []try{
			{0, 0, true}, {3 * s, 0, true}, {3 * s, 0, true}, {s, 0, false}, {8 * s, 0, false}, {s, 0, true}}, true},
		{"then for longer each time", []try{
			{0, 0, true}, {s, 0, true}, {s, 0, true}, {10 * s, 0, true}, {19 * s, 0, false}, {s, 0, true},
			{39 * s, 0, false}, {s, 0, true}, {50 * s, 0, false}, {29 * s, 0, false}, {s, 0, true}}, true},
		{"not from one that is lost", []try{
			{0, 0, true}, {s, 0, true}, {s, 0, true}, {s, lostAfter, true}, {s, 0, false}, {s, time.Hour, true}}, true},
		{"a broken line is no contest", []try{
			{0, 2 * s, true}, {s, 3 * s, true}, {s, 2 * s, true}, {s, 9 * s, true}, {s, 2 * s, true}, {s, 0, true}}, false},
		{"a calm minute counts", []try{
			{0, 0, true}, {s, 0, true}, {s, 0, true}, {10 * s, 0, true}, // two lock-outs, of 10 and 20 s
			{time.Minute, 0, true}, {19 * s, 0, false}, {s, 0, true}}, true},
		{"two calm minutes count as two", []try{
			{0, 0, true}, {s, 0, true}, {s, 0, true}, {10 * s, 0, true},
			{2 * time.Minute, 0, true}, {s, 0, true}}, false},
		{"refused tries keep it going", []try{
			{0, 0, true}, {s, 0, true}, {s, 0, true}, {10 * s, 0, true}, {20 * s, 0, true}, {40 * s, 0, true},
			{50 * s, 0, false}, {29 * s, 0, false}, {s, 0, true}, {59 * s, 0, false}, {59 * s, 0, false}, {41 * s, 0, false}, {s, 0, true}}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var c contest
			now := time.Now()
			for i, try := range tc.tries {
				now = now.Add(try.after)
				if in := c.takeover(now, now.Add(-try.silent)); in != try.in {
					t.Fatalf("try %d: let in %v", i, in)
				}
			}
			if c.on(now) != tc.on {
				t.Errorf("the contest is on: %v", !tc.on)
			}
			if c.on(now.Add(calmAfter)) {
				t.Error("it is still on when all is calm")
			}
		})
	}
}

// Two encoders that dial again and again: each takes over at most three times
// in ten seconds, ever more rarely, and the show goes on all the time.
func TestTwoEncodersCompete(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := testRelay(t, RelayOptions{})
		var on *encoder
		dial := func() bool {
			p, err := r.Publish("g", PublisherInfo{})
			if errors.Is(err, ErrBusy) {
				return false
			}
			if err != nil {
				t.Fatal(err)
			}
			on = &encoder{t: t, p: p, gop: 5}
			on.headers()
			return true
		}
		dial()
		on.frames(5)
		p := join(t, r, "g", "")
		var takeovers []time.Time
		for second := range 3600 {
			time.Sleep(time.Second)
			if second%2 == 0 && dial() {
				takeovers = append(takeovers, time.Now())
			}
			on.frames(5)
			p.drain(t)
		}
		for i := maxTakeovers; i < len(takeovers); i++ {
			if d := takeovers[i].Sub(takeovers[i-maxTakeovers]); d < takeoverWindow {
				t.Errorf("takeovers %d to %d within %v", i-maxTakeovers, i, d)
			}
		}
		// 3, then after 10, 20, 40, 80 and 160 s, then each 5 minutes.
		if n := len(takeovers); n != 3+5+10 && n != 3+5+11 {
			t.Errorf("%d takeovers in an hour", n)
		}
		if h, _ := r.Health("g"); !has(h, WarnManyEncoders) || has(h, WarnManyReconnects) {
			t.Errorf("warnings %v", h.Warnings)
		}
		if n := p.count(TagVideo, kindKeyframe); n < 3600 {
			t.Errorf("the viewer got %d keyframes in an hour", n)
		}

		on.p.Close() // the one that is on air stops: the other needs not wait
		if !dial() {
			t.Error("the last one left is refused")
		}
		for range 60 {
			time.Sleep(time.Second)
			on.frames(5)
		}
		if h, _ := r.Health("g"); has(h, WarnManyEncoders) {
			t.Errorf("a minute later: warnings %v", h.Warnings)
		}
	})
}
