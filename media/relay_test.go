package media

import (
	"context"
	"log/slog"
	"testing"
	"time"
)

// Bodies of the tags that tests publish.
var (
	avcHeader = append([]byte{0x17, 0, 0, 0, 0}, avcConfig720p...)
	aacHeader = []byte{0xaf, 0, 0x12, 0x10} // AAC-LC, 44.1 kHz, stereo
	meta      = append([]byte("\x02\x00\x0aonMetaData\x08\x00\x00\x00\x00"), 0, 0, 9)
	avcEnd    = []byte{0x17, 2, 0, 0, 0}
)

func key(n int) []byte   { return append([]byte{0x17, 1, 0, 0, 0}, make([]byte, n)...) }
func inter(n int) []byte { return append([]byte{0x27, 1, 0, 0, 0}, make([]byte, n)...) }
func sound(n int) []byte { return append([]byte{0xaf, 1}, make([]byte, n)...) }

func testRelay(t testing.TB, o RelayOptions) *Relay {
	t.Helper()
	o.Logger = slog.New(slog.DiscardHandler)
	r := NewRelay(o)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := r.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return r
}

// encoder publishes as a simple encoder does: 25 pictures a second, a keyframe
// every gop pictures, two sounds a picture.
type encoder struct {
	t   testing.TB
	p   *Publisher
	ts  uint32
	gop int
	n   int
}

func publish(t testing.TB, r *Relay, gig string) *encoder {
	t.Helper()
	p, err := r.Publish(gig, PublisherInfo{Addr: "192.0.2.1:5000", Kick: func() {}})
	if err != nil {
		t.Fatalf("publish: %v", err)
	}
	return &encoder{t: t, p: p, gop: 25}
}

func (e *encoder) write(typ TagType, ts uint32, body []byte) {
	e.t.Helper()
	if err := e.p.WriteTag(typ, ts, body); err != nil {
		e.t.Fatalf("write at %d: %v", ts, err)
	}
}

func (e *encoder) headers() *encoder {
	e.t.Helper()
	e.write(TagScript, 0, meta)
	e.write(TagVideo, 0, avcHeader)
	e.write(TagAudio, 0, aacHeader)
	return e
}

// frames sends n pictures with their sound.
func (e *encoder) frames(n int) *encoder {
	e.t.Helper()
	for range n {
		if e.n%e.gop == 0 {
			e.write(TagVideo, e.ts, key(2000))
		} else {
			e.write(TagVideo, e.ts, inter(500))
		}
		e.write(TagAudio, e.ts+3, sound(100))
		e.write(TagAudio, e.ts+23, sound(100))
		e.ts += 40
		e.n++
	}
	return e
}

func TestJoinStartsWithHeadersAndKeyframe(t *testing.T) {
	r := testRelay(t, RelayOptions{})
	if _, err := r.Join("g", ""); err != ErrNotLive {
		t.Fatalf("join before anything: %v", err)
	}
	e := publish(t, r, "g").headers()
	if _, err := r.Join("g", ""); err != ErrNotLive {
		t.Fatalf("join before media: %v", err)
	}
	e.frames(60)
	p := join(t, r, "g", "")
	p.more(t, 4+10*3-1) // 3 headers, pictures 50 to 59 with two sounds each
	if p.Flags != 5 {
		t.Errorf("flags %d, want 5", p.Flags)
	}
	for i, want := range []struct {
		t  TagType
		k  tagKind
		ts uint32
	}{{TagScript, kindInfo, 0}, {TagVideo, kindHeader, 2000}, {TagAudio, kindHeader, 2000}, {TagVideo, kindKeyframe, 2000}} {
		if !p.Tags[i].is(want.t, want.k) || p.Tags[i].TS != want.ts {
			t.Errorf("tag %d: type %d kind %d at %d", i, p.Tags[i].Type, p.Tags[i].info().kind, p.Tags[i].TS)
		}
	}
	p.drain(t)
	n := len(p.Tags)
	e.frames(1)
	p.more(t, n+3)
	r.End("g")
	p.wantEOF(t)
}
