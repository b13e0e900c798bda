package media

import (
	"math/rand/v2"
	"testing"
)

func TestTimeline(t *testing.T) {
	type in struct {
		k    track
		ts   uint32
		want uint32
	}
	const a, v = audioTrack, videoTrack
	for _, tc := range []struct {
		name string
		in   []in
	}{
		{"starts at 0 wherever the publisher does", []in{{v, 20_000_000, 0}, {a, 20_000_003, 3}, {v, 20_000_040, 40}}},
		{"sound slightly late is moved up, not shifted for good", []in{
			{v, 1000, 0}, {v, 1040, 40}, {a, 1030, 40}, {a, 1053, 53}, {v, 1080, 80}}},
		{"sound that begins before the picture", []in{{v, 80, 0}, {a, 0, 0}, {a, 60, 0}, {a, 90, 10}, {v, 120, 40}}},
		{"wrap at 24 bits", []in{{v, 0xFFFFD8, 0}, {a, 0xFFFFF0, 24}, {v, 0, 40}, {a, 0xFFFFFF, 40}, {a, 7, 47}, {v, 40, 80}}},
		{"crossing 24 bits is no wrap", []in{{v, 0xFFFFD8, 0}, {v, 0x1000000, 40}, {v, 0x1000028, 80}}},
		{"wrap at 31 bits", []in{{v, 1<<31 - 40, 0}, {a, 1<<31 - 20, 20}, {v, 0, 40}, {a, 1<<31 - 1, 40}, {a, 25, 65}, {v, 40, 80}}},
		{"crossing 31 bits is no wrap", []in{{v, 1<<31 - 40, 0}, {v, 1 << 31, 40}, {v, 1<<31 + 40, 80}}},
		{"wrap at 32 bits", []in{{v, 1<<32 - 40, 0}, {a, 1<<32 - 20, 20}, {v, 0, 40}, {a, 1<<32 - 1, 40}, {v, 40, 80}}},
		{"jump ahead, both tracks", []in{
			{v, 0, 0}, {a, 10, 10}, {v, 40, 40}, {v, 3_600_000, 80}, {a, 3_600_010, 90}, {v, 3_600_040, 120}}},
		{"jump ahead with one old sound between", []in{
			{v, 0, 0}, {a, 0, 0}, {v, 40, 40}, {v, 9_000_000, 80}, {a, 60, 80}, {a, 9_000_010, 90}, {v, 9_000_040, 120}}},
		{"jump back", []in{
			{v, 900_000, 0}, {a, 900_010, 10}, {v, 900_040, 40}, {v, 0, 80}, {a, 10, 90}, {v, 40, 120}, {a, 33, 120}}},
		{"a second back is a jump too", []in{{v, 5000, 0}, {v, 5040, 40}, {v, 4000, 80}, {v, 4040, 120}}},
		{"a short gap stays", []in{{v, 0, 0}, {v, 40, 40}, {v, 2040, 2040}}},
		{"silence in one track is no jump", []in{{v, 0, 0}, {a, 0, 0}, {v, 2500, 2500}, {v, 5000, 5000}, {a, 5010, 5010}, {v, 5040, 5040}}},
		{"tracks far apart keep their own clocks", []in{
			{v, 0, 0}, {a, 500_000, 33}, {v, 40, 40}, {a, 500_020, 53}, {v, 80, 80}, {a, 500_060, 93}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var tl timeline
			for i, in := range tc.in {
				if got := tl.next(in.k, in.ts); got != in.want {
					t.Errorf("tag %d (%d): got %d, want %d", i, in.ts, got, in.want)
				}
			}
		})
	}
}

func TestTimelineRestart(t *testing.T) {
	var tl timeline
	tl.next(videoTrack, 5000)
	tl.next(videoTrack, 5040)
	tl.next(audioTrack, 5050)
	tl.restart()
	if got := tl.next(videoTrack, 70_000_000); got != 90 {
		t.Errorf("the next publisher starts at %d, want one frame after 50", got)
	}
	if got := tl.next(audioTrack, 70_000_010); got != 100 {
		t.Errorf("its sound is at %d, want 100", got)
	}
	tl.reset()
	if got := tl.next(videoTrack, 123); got != 0 {
		t.Errorf("after a reset: %d, want 0", got)
	}
}

// Steady tracks stay in step over all wraps and jumps: what the publisher sends
// 10 ms apart comes out 10 ms apart, however often its clock breaks.
func TestTimelineKeepsSync(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var tl timeline
	base := uint32(0)
	last := uint32(0)
	for i := range 20_000 {
		if rnd.IntN(500) == 0 {
			base = rnd.Uint32()
			if rnd.IntN(2) == 0 {
				base = -uint32(rnd.IntN(2000)) // about to wrap
			}
			base -= uint32(i * 40)
		}
		ts := base + uint32(i*40)
		v, a := tl.next(videoTrack, ts), tl.next(audioTrack, ts+10)
		if a-v != 10 {
			t.Fatalf("step %d: sound is %d ms after its picture, want 10", i, int32(a-v))
		}
		if d := v - last; i > 0 && (d < 10 || d > 60) {
			t.Fatalf("step %d: %d ms after the one before", i, int32(d))
		}
		last = v
	}
}

func FuzzTimeline(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 1, 255, 255, 255, 255, 2, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var tl timeline
		last := int64(0)
		for ; len(b) >= 5; b = b[5:] {
			ts := uint32(b[1])<<24 | uint32(b[2])<<16 | uint32(b[3])<<8 | uint32(b[4])
			if b[0]&2 != 0 {
				tl.restart()
			}
			out := int64(tl.next(track(b[0]&1), ts))
			if out < last || out-last > maxForward+maxBackward {
				t.Fatalf("%d after %d", out, last)
			}
			last = out
		}
	})
}
