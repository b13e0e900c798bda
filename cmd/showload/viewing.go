package main

import (
	"errors"
	"fmt"
	"time"
)

const (
	stallAfter = time.Second // without a picture: what a player at the live edge would show as a stall
	gapAfter   = 1000        // milliseconds between two pictures: some were left out
)

// viewing is what one viewer got.
type viewing struct {
	Started bool          // a keyframe came
	First   time.Duration // from the request to the first keyframe
	Bytes   int64
	Tags    int64
	Headers int           // video sequence headers
	Stalls  int           // times without a picture for over a second
	Silence time.Duration // longest time without a picture
	Gaps    int           // jumps in the timestamps
	Ended   bool          // the server ended the response
	Lag     time.Duration // how much later the last picture came than the first, by its timestamp
	Fault   string        // what was wrong in the stream; empty: nothing
	Refused int           // status of the answer, if it was not 200

	steadyBytes int64 // in the audience's window
	steadyTags  int64

	audience     *audience
	parser       parser
	begin, now   time.Time
	audio, video trail
	mustKey      bool // the next picture has to be a keyframe
	firstTS      uint32
	firstAt      time.Time
	lastAt       time.Time
}

// trail is the latest timestamp of a kind of tags.
type trail struct {
	seen bool
	last uint32
}

func newViewing(a *audience) *viewing { return &viewing{audience: a, mustKey: true} }

// take checks bytes of the stream that came at the time now.
func (v *viewing) take(b []byte, now time.Time) error {
	v.now = now
	if v.audience.window.holds(now) {
		v.steadyBytes += int64(len(b))
	}
	return v.parser.feed(b, v.judge)
}

// judge checks one tag against those before it: timestamps of a kind never go
// back, pictures begin with a sequence header and a keyframe, and so they do
// after each new sequence header and each gap.
func (v *viewing) judge(t tag, _ int) error {
	v.Bytes += int64(t.size) + tagHead + tagTail
	v.Tags++
	kind := &v.audio
	switch t.kind {
	case tagScript:
		return nil
	case tagVideo:
		kind = &v.video
	}
	before := *kind
	if before.seen && t.timestamp < before.last {
		return fmt.Errorf("the timestamp of tag type %d went back from %d to %d ms", t.kind, before.last, t.timestamp)
	}
	*kind = trail{true, t.timestamp}
	if !t.header && v.audience.note(t, v.now) {
		v.steadyTags++
	}
	if t.kind != tagVideo {
		return nil
	}
	return v.judgeVideo(t, before)
}

func (v *viewing) judgeVideo(t tag, before trail) error {
	if t.header {
		v.Headers++
		v.mustKey = true
		return nil
	}
	if v.Headers == 0 {
		return errors.New("a picture came before the sequence header")
	}
	if before.seen && v.Started && t.timestamp-before.last > gapAfter {
		v.Gaps++
		v.mustKey = true
	}
	if v.mustKey && !t.key {
		return fmt.Errorf("the picture at %d ms should be a keyframe", t.timestamp)
	}
	v.mustKey = false
	v.picture(t)
	return nil
}

func (v *viewing) picture(t tag) {
	if !v.Started {
		v.Started, v.First = true, v.now.Sub(v.begin)
		v.firstTS, v.firstAt, v.lastAt = t.timestamp, v.now, v.now
	}
	v.silence(v.now)
	v.lastAt = v.now
	v.Lag = v.now.Sub(v.firstAt) - time.Duration(t.timestamp-v.firstTS)*time.Millisecond
}

func (v *viewing) silence(now time.Time) {
	d := now.Sub(v.lastAt)
	v.Silence = max(v.Silence, d)
	if d > stallAfter {
		v.Stalls++
	}
}

// closeSilence counts the time since the last picture, too.
func (v *viewing) closeSilence(now time.Time) {
	if v.Started {
		v.silence(now)
	}
}
