package media

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"
)

func TestEndOfSequenceIsNotRelayed(t *testing.T) {
	r := testRelay(t, RelayOptions{})
	e := publish(t, r, "g").headers().frames(10)
	p := join(t, r, "g", "")
	e.write(TagVideo, 5, avcEnd)
	e.write(TagVideo, 5, []byte{0x92, 'h', 'v', 'c', '1'})
	p.drain(t)
	if p.index(TagVideo, kindEnd) >= 0 {
		t.Error("an end of sequence went out")
	}
	if got := r.Stats().TagsDropped["end-of-sequence"]; got != 2 {
		t.Errorf("%d counted as dropped", got)
	}
}

func TestMetadataOnlyWhenChanged(t *testing.T) {
	r := testRelay(t, RelayOptions{})
	e := publish(t, r, "g").headers().frames(10)
	p := join(t, r, "g", "")
	other := append(bytes.Clone(meta), 0)
	for range 5 {
		e.write(TagScript, 0, meta)
	}
	e.write(TagScript, 0, append([]byte("\x02\x00\x0d@setDataFrame"), other...))
	e.write(TagScript, 0, other)
	p.drain(t)
	if n := p.count(TagScript, kindInfo); n != 2 {
		t.Errorf("%d script tags, want 2", n)
	}
	if last := p.Tags[len(p.Tags)-1]; !bytes.Equal(last.Body, other) || last.TS != p.Tags[len(p.Tags)-2].TS {
		t.Errorf("the change came as % x at %d", last.Body, last.TS)
	}
}

// After 24 days the timestamps begin again, for a viewer that comes again.
func TestTimelineWorn(t *testing.T) {
	r := testRelay(t, RelayOptions{})
	e := publish(t, r, "g").headers().frames(30)
	p := join(t, r, "g", "")
	e.p.s.timeline.out = maxOutput
	e.frames(19)
	if p.v.ring.closed {
		t.Fatal("cut before a keyframe")
	}
	e.frames(30)
	p.wantEOF(t)
	q := join(t, r, "g", "")
	q.drain(t)
	if len(q.Tags) == 0 || q.Tags[0].TS > 2000 {
		t.Errorf("joined at %d", q.Tags[0].TS)
	}
}

func TestTagsTooBig(t *testing.T) {
	r := testRelay(t, RelayOptions{RingBytes: 64 << 10})
	e := publish(t, r, "g").headers().frames(5)
	p := join(t, r, "g", "")
	p.drain(t)
	e.write(TagVideo, e.ts, inter(40<<10))
	e.write(TagVideo, e.ts, inter(10)) // refers to what was lost
	e.write(TagScript, 0, append(bytes.Clone(meta), make([]byte, maxHeaderBody)...))
	e.n = 0
	e.frames(1)
	p.drain(t)
	if n := p.count(TagVideo, kindFrame); n != 4 {
		t.Errorf("%d pictures between keyframes, want 4", n)
	}
	d := r.Stats().TagsDropped
	if d["too-big"] != 2 || d["before-keyframe"] != 1 {
		t.Errorf("dropped: %v", d)
	}
}

// A publisher that changes its codec all the time cuts its viewers once a
// second at most, and whoever joins gets pictures of one codec.
func TestCutsAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := testRelay(t, RelayOptions{})
		e := publish(t, r, "g").headers().frames(1)
		hevcHeader := append([]byte{0x90, 'h', 'v', 'c', '1'}, make([]byte, 30)...)
		hevcKey := append([]byte{0x93, 'h', 'v', 'c', '1'}, make([]byte, 30)...)
		cuts := 0
		last := e.p.s.ring
		for range 500 { // 10 s
			e.write(TagVideo, 0, hevcHeader)
			e.write(TagVideo, e.ts, hevcKey)
			e.write(TagVideo, 0, avcHeader)
			e.write(TagVideo, e.ts, key(10))
			time.Sleep(20 * time.Millisecond)
			if now := e.p.s.ring; now != last {
				cuts, last = cuts+1, now
			}
		}
		synctest.Wait()
		if cuts == 0 || cuts > 11 {
			t.Errorf("%d cuts in ten seconds", cuts)
		}
		wantState(t, r, "g", StateLive)
	})
}

// Keyframes only, as small as can be: what is kept beside the tags is bounded.
func TestJoinPointsAreBounded(t *testing.T) {
	r := testRelay(t, RelayOptions{RingBytes: 1 << 20})
	e := publish(t, r, "g").headers()
	for i := range 4000 {
		e.write(TagVideo, uint32(i), key(1))
	}
	if n := len(e.p.s.ring.joins); n != maxJoins {
		t.Errorf("%d join points", n)
	}
	p := join(t, r, "g", "")
	p.drain(t)
	if n := len(p.Tags); n != 3+1 {
		t.Errorf("who joins gets %d tags, want the headers and the latest keyframe", n)
	}
}
