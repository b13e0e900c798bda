package media

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"
)

// sessionOf is what an encoder sends that publishes the tags, with the
// timestamps that its clock makes of theirs.
func sessionOf(tags []flvTag, clock func(ts uint32) uint32) []byte {
	b := opening(testKey)
	for _, tag := range tags {
		switch tag.Type {
		case TagAudio:
			b = append(b, whole(4, typeAudio, clock(tag.TS), tag.Body)...)
		case TagVideo:
			b = append(b, whole(6, typeVideo, clock(tag.TS), tag.Body)...)
		case TagScript:
			b = append(b, whole(5, typeData, 0, craft(setDataFrameHead, tag.Body))...)
		}
	}
	return b
}

// viewSession sends a session to a real port and returns what one viewer got.
func viewSession(t *testing.T, raw []byte) *player {
	t.Helper()
	p := serveIngest(t, keyring{testKey: "gig"}, nil)
	conn := p.dial(t)
	go func() { _, _ = io.Copy(io.Discard, conn) }() // until it is closed
	v, missed := joinEarly(t, p, conn, raw)
	if missed != 0 {
		t.Errorf("%d pictures came before the viewer", missed)
	}
	if err := v.end(t); !errors.Is(err, io.EOF) {
		t.Fatalf("the viewer ended by %v", err)
	}
	return v
}

// pictures returns the bodies of what is shown, and the timestamps.
func pictures(tags []flvTag) (bodies [][]byte, stamps []uint32) {
	for _, tag := range tags {
		if k := tag.info().kind; tag.Type == TagVideo && (k == kindFrame || k == kindKeyframe) {
			bodies, stamps = append(bodies, tag.Body), append(stamps, tag.TS)
		}
	}
	return bodies, stamps
}

// What a real encoder made goes on smoothly for viewers, whatever its clock does.
func TestClocksThatBreak(t *testing.T) {
	const minutes = 60_000
	tags := encode(t, testClip(8, "320x180", "-g", "50")...)
	from := func(start uint32, bits int) func(uint32) uint32 {
		return func(ts uint32) uint32 { return (start + ts) & uint32(1<<bits-1) }
	}
	// at changes the clock in the middle of the show and of a GOP.
	at := func(before, after uint32) func(uint32) uint32 {
		return func(ts uint32) uint32 {
			if ts < 3300 {
				return before + ts
			}
			return after + ts
		}
	}
	for name, clock := range map[string]func(uint32) uint32{
		"wraps at 24 bits":               from(0xFFFFFF-5000, 24),
		"goes on past 24 bits":           from(0xFFFFFF-5000, 32),
		"wraps at 31 bits":               from(0x7FFFFFFF-5000, 31),
		"goes on past 31 bits":           from(0x7FFFFFFF-5000, 32),
		"wraps at 32 bits":               from(0xFFFFFFFF-5000, 32),
		"jumps five minutes ahead":       at(0, 5*minutes),
		"jumps five minutes back":        at(10*minutes, 5*minutes),
		"begins again":                   at(10*minutes, ^uint32(3300)+1),
		"jumps ahead over 24 bits":       at(0xFFFFFF-60_000, 0xFFFFFF),
		"jumps back over 32 bits and on": at(5*minutes, ^uint32(minutes)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := viewSession(t, sessionOf(tags, clock))
			sent, _ := pictures(tags)
			got, stamps := pictures(v.Tags)
			if len(got) != len(sent) {
				t.Fatalf("%d pictures of %d", len(got), len(sent))
			}
			for i := range got {
				if !bytes.Equal(got[i], sent[i]) {
					t.Fatalf("picture %d is another one", i)
				}
				if i > 0 && (stamps[i] <= stamps[i-1] || stamps[i]-stamps[i-1] > 80) {
					t.Errorf("picture %d comes %d ms after the one before", i, int32(stamps[i]-stamps[i-1]))
				}
			}
			if d := int(stamps[len(stamps)-1]-stamps[0]) - 40*(len(stamps)-1); d < -80 || d > 80 {
				t.Errorf("the show became %d ms longer", d)
			}
			sounds, last := 0, uint32(0)
			for _, tag := range v.Tags {
				if tag.is(TagAudio, kindFrame) {
					if sounds++; sounds > 1 && tag.TS-last > 80 {
						t.Errorf("%d ms without a sound", tag.TS-last)
					}
					last = tag.TS
				}
			}
			if sounds < 8*43-2 {
				t.Errorf("%d sounds", sounds)
			}
			if n := decode(t, flvOf(v)); n != len(sent) {
				t.Errorf("%d pictures decode", n)
			}
		})
	}
}

// flvOf is what the player got, as a file.
func flvOf(v *player) []byte {
	b := bytes.Clone(flvHeader(v.Flags&4 != 0, v.Flags&1 != 0))
	for _, tag := range v.Tags {
		b = appendTag(b, tag.Type, tag.TS, tag.Body)
	}
	return b
}

// Composition times, which say when a picture of a stream with B-frames is
// shown, arrive as they were sent, also those below zero.
func TestCompositionTimes(t *testing.T) {
	tags := encode(t, testClip(4, "320x180", "-preset", "veryfast", "-g", "50", "-bf", "3")...)
	offset := func(body []byte) int32 { return int32(uint24(body[2:])<<8) >> 8 }
	for _, shift := range []int32{0, -80} {
		t.Run(fmt.Sprint(shift, " ms"), func(t *testing.T) {
			t.Parallel()
			var changed []flvTag
			below, above := 0, 0
			for _, tag := range tags {
				if tag.Type == TagVideo && tag.Body[1] == 1 {
					tag.Body = bytes.Clone(tag.Body)
					c := offset(tag.Body) + shift
					copy(tag.Body[2:], []byte{byte(c >> 16), byte(c >> 8), byte(c)})
					if c < 0 {
						below++
					} else if c > 0 {
						above++
					}
				}
				changed = append(changed, tag)
			}
			if above == 0 || (shift < 0) != (below > 0) {
				t.Fatalf("%d composition times below and %d above 0: the clip is not what it should be", below, above)
			}
			v := viewSession(t, sessionOf(changed, func(ts uint32) uint32 { return ts }))
			sent, _ := pictures(changed)
			got, _ := pictures(v.Tags)
			if len(got) != len(sent) {
				t.Fatalf("%d pictures of %d", len(got), len(sent))
			}
			for i := range got {
				if want := offset(sent[i]); offset(got[i]) != want || !bytes.Equal(got[i], sent[i]) {
					t.Fatalf("picture %d has composition time %d, want %d", i, offset(got[i]), want)
				}
			}
			if shift == 0 {
				if n := decode(t, flvOf(v)); n != len(sent) {
					t.Errorf("%d pictures decode, want %d", n, len(sent))
				}
			}
		})
	}
}

// A real encoder's GOP outgrows the ring, by its bytes or by its age. Who
// watches already loses nothing; who comes in waits for the next keyframe and
// gets a picture that decodes, and the creator is told.
func TestRealGOPLongerThanRing(t *testing.T) {
	tags := encode(t, testClip(8, "640x360", "-g", "150", "-keyint_min", "150", "-sc_threshold", "0", "-b:v", "1500k")...)
	for name, o := range map[string]RelayOptions{
		"by bytes": {RingBytes: 256 << 10},
		"by age":   {RingAge: 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			var files [][]byte
			var want []int
			bubble(t, func(t *testing.T) {
				r := testRelay(t, o)
				e := publish(t, r, "g")
				var edge, late *player
				clock := uint32(0)
				for _, tag := range tags {
					if tag.TS > clock {
						time.Sleep(time.Duration(tag.TS-clock) * time.Millisecond)
						clock = tag.TS
					}
					e.write(tag.Type, tag.TS, tag.Body)
					if r.State("g") != StateLive {
						continue
					}
					if edge == nil {
						edge = join(t, r, "g", "")
					}
					edge.drain(t)
					if late == nil && tag.TS > 5000 {
						late = join(t, r, "g", "")
						if h, _ := r.Health("g"); !has(h, WarnNoKeyframe) {
							t.Errorf("warnings %v", h.Warnings)
						}
					}
					if late == nil {
						continue
					}
					if late.drain(t); len(late.Tags) > 0 && tag.TS < 6000 {
						t.Fatalf("at %d ms who came in late has %d tags", tag.TS, len(late.Tags))
					}
				}
				sent, _ := pictures(tags)
				files, want = [][]byte{flvOf(edge), flvOf(late)}, []int{len(sent), len(sent) - 150}
			})
			for i, file := range files {
				if n := decode(t, file); n != want[i] {
					t.Errorf("viewer %d: %d pictures decode, want %d", i, n, want[i])
				}
			}
		})
	}
}

// The encoder is away for as long as the grace bears it, and a second longer.
func TestGapsWithinTheGrace(t *testing.T) {
	for _, away := range []time.Duration{2 * time.Second, 10 * time.Second, 30 * time.Second, 59 * time.Second, 61 * time.Second} {
		t.Run(away.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := testRelay(t, RelayOptions{})
				e := publish(t, r, "g").headers().frames(60) // ends in mid-GOP
				p := join(t, r, "g", "")
				p.drain(t)
				n := len(p.Tags)
				e.p.Close()
				time.Sleep(away)
				e = publish(t, r, "g").headers()
				e.ts = 7_000_000
				e.frames(60)
				if away > time.Minute {
					p.wantEOF(t)
					if len(p.Tags) != n {
						t.Errorf("%d tags after the end", len(p.Tags)-n)
					}
					return
				}
				p.drain(t)
				for i, want := range []struct {
					t TagType
					k tagKind
				}{{TagScript, kindInfo}, {TagVideo, kindHeader}, {TagAudio, kindHeader}, {TagVideo, kindKeyframe}} {
					if tag := p.Tags[n+i]; !tag.is(want.t, want.k) {
						t.Fatalf("tag %d after the gap: type %d kind %d", i, tag.Type, tag.info().kind)
					}
				}
				if d := p.Tags[n].TS - p.Tags[n-1].TS; d > 100 {
					t.Errorf("%d ms of stream for the gap", d)
				}
				if len(p.Tags) != n+3+3*60 {
					t.Errorf("%d tags, want %d", len(p.Tags), n+3+3*60)
				}
			})
		})
	}
}
