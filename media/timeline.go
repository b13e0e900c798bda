package media

// Bounds of what counts as the same clock going on, in milliseconds. Anything
// beyond is a discontinuity: the output goes on one frame after what was last.
const (
	maxForward   = 3000
	maxBackward  = 500
	defaultFrame = 33
	maxFrame     = 100
)

// maxOutput is where a timeline has to begin again at 0: players such as
// flv.js read FLV timestamps as signed 32-bit numbers. It takes 24 days of one
// stream to come here.
const maxOutput = 1<<31 - 60_000

// track says which of the two clocks of a publisher a tag belongs to.
type track int

const (
	audioTrack track = iota
	videoTrack
)

// clock follows the timestamps of one track of one publisher.
type clock struct {
	running bool
	last    uint32 // the publisher's timestamp of the latest tag
	pos     int64  // the same without its wraps
	offset  int64  // output = pos + offset
}

// timeline turns the timestamps of one publisher after the other into a single
// output that never goes back. Sound and picture of one publisher share one
// offset, so they stay in step: a track whose own clock breaks takes over the
// other track's offset where that one explains its timestamp, and only then
// begins a new one. A tag that comes slightly late is moved up to the latest
// output and no further.
type timeline struct {
	clocks [2]clock
	begun  bool
	out    int64 // latest output
	video  int64 // latest output of a video tag
	frame  int64 // usual distance of video tags
}

// restart makes the next tag go on one frame after the latest output, as when
// another publisher takes over.
func (t *timeline) restart() { t.clocks = [2]clock{} }

// reset begins a new output at 0.
func (t *timeline) reset() { *t = timeline{frame: t.frame} }

// now is the output time for tags that have no time of their own: headers and
// metadata, whose timestamps encoders leave at 0.
func (t *timeline) now() uint32 { return uint32(t.out) }

// next returns the output timestamp of the track's next tag.
func (t *timeline) next(k track, ts uint32) uint32 {
	own, other := &t.clocks[k], &t.clocks[1-k]
	if d, ok := step(own.last, ts); own.running && ok {
		own.pos += d
	} else if d, ok := step(other.last, ts); other.running && ok {
		own.pos, own.offset = other.pos+d, other.offset
	} else {
		own.pos = int64(ts)
		own.offset = t.resumeAt() - own.pos
	}
	own.running, own.last = true, ts
	t.begun = true
	t.out = max(t.out, own.pos+own.offset)
	if k == videoTrack {
		if d := t.out - t.video; d > 0 && d <= maxFrame {
			t.frame = d
		}
		t.video = t.out
	}
	return uint32(t.out)
}

// resumeAt is the output time of the first tag of a new clock.
func (t *timeline) resumeAt() int64 {
	if !t.begun {
		return 0
	}
	if t.frame == 0 {
		return t.out + defaultFrame
	}
	return t.out + t.frame
}

// step returns the distance between two timestamps of one clock. Clocks wrap
// at 32 bits, at 31 (ffmpeg masks the sign away) or at 24 (encoders without
// extended timestamps). ok is false when none explains the distance.
func step(from, to uint32) (d int64, ok bool) {
	for _, bits := range [...]uint{32, 31, 24} {
		if uint64(from)>>bits != 0 || uint64(to)>>bits != 0 {
			break
		}
		unused := 32 - bits
		d = int64(int32((to-from)<<unused) >> unused)
		if d >= -maxBackward && d <= maxForward {
			return d, true
		}
	}
	return 0, false
}
