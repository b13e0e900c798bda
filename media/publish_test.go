package media

import (
	"bytes"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func wantState(t testing.TB, r *Relay, gig string, want State) {
	t.Helper()
	if got := r.State(gig); got != want {
		t.Fatalf("state %q, want %q", got, want)
	}
}

func wantTracks(t testing.TB, p *player, flags byte) {
	t.Helper()
	if p.Flags != flags {
		t.Fatalf("FLV flags %d, want %d", p.Flags, flags)
	}
}

// bubble runs f with a clock of its own.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

func TestSettling(t *testing.T) {
	mp3 := append([]byte{0x2f}, make([]byte, 100)...)
	type tag struct {
		t    TagType
		ts   uint32
		body []byte
		live bool // after it
	}
	for _, tc := range []struct {
		name  string
		flags byte
		tags  []tag
	}{
		{"both headers first", 5, []tag{
			{TagVideo, 0, avcHeader, false}, {TagAudio, 0, aacHeader, false}, {TagVideo, 0, key(10), true}}},
		{"sound's header after the keyframe", 5, []tag{
			{TagVideo, 0, avcHeader, false}, {TagVideo, 0, key(10), false}, {TagVideo, 40, inter(10), false}, {TagAudio, 0, aacHeader, true}}},
		{"MP3 has no header", 5, []tag{
			{TagVideo, 0, avcHeader, false}, {TagVideo, 0, key(10), false}, {TagAudio, 0, mp3, true}}},
		{"no sound", 1, []tag{
			{TagVideo, 0, avcHeader, false}, {TagVideo, 0, key(10), false}, {TagVideo, 460, inter(10), false}, {TagVideo, 500, inter(10), true}}},
		{"no picture", 4, []tag{
			{TagAudio, 0, aacHeader, false}, {TagAudio, 0, sound(10), false}, {TagAudio, 499, sound(10), false}, {TagAudio, 522, sound(10), true}}},
		{"sound long before the first keyframe", 5, []tag{
			{TagAudio, 0, aacHeader, false}, {TagVideo, 0, avcHeader, false}, {TagAudio, 0, sound(10), false},
			{TagVideo, 40, inter(10), false}, {TagAudio, 2000, sound(10), false}, {TagVideo, 2000, key(10), true}}},
		{"only headers", 0, []tag{{TagScript, 0, meta, false}, {TagVideo, 0, avcHeader, false}, {TagAudio, 0, aacHeader, false}}},
		{"frames without headers", 0, []tag{{TagVideo, 0, key(10), false}, {TagAudio, 900, sound(10), false}, {TagAudio, 1900, sound(10), false}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := testRelay(t, RelayOptions{})
			e := publish(t, r, "g")
			for i, tag := range tc.tags {
				e.write(tag.t, tag.ts, tag.body)
				if live := r.State("g") == StateLive; live != tag.live {
					t.Fatalf("after tag %d: live is %v", i, live)
				}
			}
			if tc.flags == 0 {
				return
			}
			p := join(t, r, "g", "")
			p.drain(t)
			wantTracks(t, p, tc.flags)
		})
	}
}

func TestSettlingByWallClock(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := testRelay(t, RelayOptions{})
		e := publish(t, r, "g")
		e.write(TagVideo, 0, avcHeader)
		e.write(TagVideo, 0, key(10))
		time.Sleep(settleTime)
		e.write(TagVideo, 1, inter(10))
		wantState(t, r, "g", StateLive)
	})
}

// A publisher that is lost and comes back, a hundred times, in mid-GOP, with
// another clock each time: one viewer sees a single stream.
func TestHundredResumes(t *testing.T) { bubble(t, hundredResumes) }

func hundredResumes(t *testing.T) {
	r := testRelay(t, RelayOptions{})
	e := publish(t, r, "g").headers().frames(30)
	p := join(t, r, "g", "")
	p.drain(t)
	for round := range 100 {
		time.Sleep(4 * time.Second) // takeovers are limited
		if round%2 == 0 {
			e.p.Close()
			wantState(t, r, "g", StateReconnecting)
		}
		e = publish(t, r, "g")
		e.ts = uint32(round) * 123_456_789
		e.n = 13 // begins in mid-GOP
		e.headers()
		wantState(t, r, "g", StateReconnecting)
		e.frames(30)
		wantState(t, r, "g", StateLive)
		from := len(p.Tags)
		p.drain(t)
		for i, want := range []struct {
			t TagType
			k tagKind
		}{{TagScript, kindInfo}, {TagVideo, kindHeader}, {TagAudio, kindHeader}, {TagVideo, kindKeyframe}} {
			if tag := p.Tags[from+i]; !tag.is(want.t, want.k) {
				t.Fatalf("round %d, tag %d: type %d kind %d", round, i, tag.Type, tag.info().kind)
			}
		}
		if gap := p.Tags[from].TS - p.Tags[from-1].TS; gap == 0 || gap > 100 {
			t.Fatalf("round %d: gap of %d ms", round, gap)
		}
	}
	if h, _ := r.Health("g"); h.Interruptions != 100 {
		t.Errorf("%d interruptions counted", h.Interruptions)
	}
}

func TestTakeover(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := testRelay(t, RelayOptions{})
		var kicks atomic.Int32
		start := func() (*Publisher, error) {
			return r.Publish("g", PublisherInfo{Kick: func() {
				kicks.Add(1)
				r.State("g") // no lock is held
				r.Live()
			}})
		}
		first, _ := start()
		var latest *Publisher
		for range maxTakeovers {
			var err error
			if latest, err = start(); err != nil {
				t.Fatal(err)
			}
		}
		if err := first.WriteTag(TagVideo, 0, key(1)); !errors.Is(err, ErrTakenOver) {
			t.Errorf("the old one writes: %v", err)
		}
		if kicks.Load() != maxTakeovers {
			t.Errorf("%d kicks", kicks.Load())
		}
		if _, err := start(); !errors.Is(err, ErrBusy) {
			t.Errorf("one too many: %v", err)
		}
		if err := latest.WriteTag(TagVideo, 0, avcHeader); err != nil {
			t.Errorf("the one that stays: %v", err)
		}
		first.Close() // long gone: must not end the newer one
		time.Sleep(takeoverWindow + time.Millisecond)
		if _, err := start(); err != nil {
			t.Errorf("after the window: %v", err)
		}
		if got := r.Stats().Publishers; got != 1 {
			t.Errorf("%d publishers counted", got)
		}
	})
}

func TestGrace(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := testRelay(t, RelayOptions{Grace: 10 * time.Second})
		e := publish(t, r, "g").headers().frames(10)
		p := join(t, r, "g", "")
		p.drain(t)
		e.p.Close()
		time.Sleep(9 * time.Second)
		synctest.Wait()
		wantState(t, r, "g", StateReconnecting)
		e = publish(t, r, "g").headers().frames(10)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		wantState(t, r, "g", StateLive)

		e.p.Close()
		silent := publish(t, r, "g").headers() // connected, but sends nothing to see
		time.Sleep(10 * time.Second)
		synctest.Wait()
		wantState(t, r, "g", StateIdle)
		p.wantEOF(t)
		if n := p.count(TagVideo, kindKeyframe); n != 2 {
			t.Errorf("%d keyframes before the end, want 2", n)
		}
		if _, err := r.Join("g", ""); err != ErrNotLive {
			t.Errorf("join after the end: %v", err)
		}
		silent.frames(20)
		wantState(t, r, "g", StateLive)
		q := join(t, r, "g", "")
		q.drain(t)
		if q.Tags[0].TS != 0 {
			t.Errorf("a new show starts at %d", q.Tags[0].TS)
		}
		silent.p.Close()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if _, ok := r.Health("g"); ok || len(r.streams) != 0 {
			t.Error("the stream is still there after the grace")
		}
	})
}

// Changes that players can follow stay in the stream; others end it once.
func TestChangeInMidShow(t *testing.T) {
	avcHeader2 := append(bytes.Clone(avcHeader), 1)
	aac48 := []byte{0xaf, 0, 0x11, 0x88}
	hevcHeader := append([]byte{0x90, 'h', 'v', 'c', '1'}, make([]byte, 30)...)
	hevcKey := append([]byte{0x93, 'h', 'v', 'c', '1'}, make([]byte, 30)...)
	mp3 := append([]byte{0x2f}, make([]byte, 100)...)
	for _, tc := range []struct {
		name   string
		change func(e *encoder)
		cut    bool
		flags  byte // of who joins afterwards
		head   []byte
	}{
		{"resolution", func(e *encoder) { e.write(TagVideo, 0, avcHeader2); e.n = 0; e.frames(1) }, false, 5, avcHeader2},
		{"sample rate", func(e *encoder) { e.write(TagAudio, 0, aac48); e.n = 0; e.frames(1) }, false, 5, aac48},
		{"H.264 to HEVC", func(e *encoder) { e.write(TagVideo, 0, hevcHeader); e.write(TagVideo, e.ts, hevcKey) }, true, 5, hevcHeader},
		{"AAC to MP3", func(e *encoder) { e.write(TagAudio, e.ts, mp3); e.n = 0; e.frames(1) }, true, 5, nil},
		{"sound gone for long", func(e *encoder) {
			for range 5100 / 40 {
				e.ts += 40
				e.write(TagVideo, e.ts, inter(10))
			}
			e.write(TagVideo, e.ts, key(10))
		}, true, 1, avcHeader},
		{"sound gone for a while", func(e *encoder) {
			for range 4000 / 40 {
				e.ts += 40
				e.write(TagVideo, e.ts, inter(10))
			}
			e.write(TagVideo, e.ts, key(10))
		}, false, 5, aacHeader},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := testRelay(t, RelayOptions{})
			e := publish(t, r, "g").headers().frames(40)
			p := join(t, r, "g", "")
			p.drain(t)
			tc.change(e)
			if tc.name == "AAC to MP3" { // frames sent AAC again: MP3 was announced last
				e.write(TagAudio, e.ts, mp3)
				e.write(TagVideo, e.ts, key(10))
			}
			wantState(t, r, "g", StateLive)
			if tc.cut {
				p.wantEOF(t)
			} else {
				p.drain(t)
				if p.v.ring.closed {
					t.Fatal("the viewer was cut")
				}
			}
			q := join(t, r, "g", "")
			q.drain(t)
			wantTracks(t, q, tc.flags)
			found := tc.head == nil
			for _, tag := range q.Tags {
				found = found || bytes.Equal(tag.Body, tc.head)
			}
			if !found {
				t.Error("who joins gets old headers")
			}
			if tc.flags&4 == 0 && (q.count(TagAudio, kindHeader) > 0 || q.count(TagAudio, kindFrame) > 0) {
				t.Error("sound in a stream that announces none")
			}
		})
	}
}

// Tracks that come late, or with the next publisher, cut the stream once, at a
// point where whoever comes again can start at once.
func TestTracksComeLate(t *testing.T) { bubble(t, tracksComeLate) }

func tracksComeLate(t *testing.T) {
	r := testRelay(t, RelayOptions{})
	e := publish(t, r, "g")
	e.write(TagVideo, 0, avcHeader)
	for i := range 30 {
		e.write(TagVideo, uint32(i)*40, map[bool][]byte{true: key(10), false: inter(10)}[i%25 == 0])
	}
	p := join(t, r, "g", "")
	p.drain(t)
	wantTracks(t, p, 1)
	e.write(TagAudio, 1200, aacHeader)
	e.write(TagAudio, 1200, sound(10))
	e.write(TagVideo, 1240, inter(10))
	wantState(t, r, "g", StateLive)
	if p.v.ring.closed {
		t.Fatal("cut before there is anything to start at")
	}
	e.write(TagVideo, 1280, key(10))
	wantState(t, r, "g", StateLive)
	p.wantEOF(t)
	if p.index(TagAudio, kindFrame) >= 0 {
		t.Error("sound in a stream that announces none")
	}
	q := join(t, r, "g", "")
	q.drain(t)
	wantTracks(t, q, 5)

	time.Sleep(cutDistance)
	e.p.Close() // the next publisher has sound only
	e = publish(t, r, "g")
	e.write(TagAudio, 0, aacHeader)
	for i := range 30 {
		e.write(TagAudio, uint32(i)*23, sound(10))
	}
	wantState(t, r, "g", StateLive)
	q.wantEOF(t)
	s := join(t, r, "g", "")
	s.drain(t)
	wantTracks(t, s, 4)

	time.Sleep(cutDistance)
	e.write(TagVideo, 700, avcHeader) // and then a camera is plugged in
	e.write(TagVideo, 700, key(10))
	s.wantEOF(t)
	u := join(t, r, "g", "")
	u.drain(t)
	wantTracks(t, u, 5)
}

// The next publisher has no sound. Players that wait for it are ended as soon
// as that is known, and not when they have waited for seconds.
func TestNextPublisherHasNoSound(t *testing.T) {
	withSound := append(bytes.Clone(meta), "audiocodecid"...)
	for _, tc := range []struct {
		name string
		meta []byte
		late bool // its sound comes between its keyframes
		cut  int  // at which keyframe, 0: not at all
	}{
		{"its metadata say so", meta, false, 1},
		{"it shows none", withSound, false, 2},
		{"it has no metadata and shows none", nil, false, 2},
		{"it shows it late", withSound, true, 0},
		{"it has no metadata and shows it late", nil, true, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := testRelay(t, RelayOptions{})
			publish(t, r, "g").headers().frames(40).p.Close()
			p := join(t, r, "g", "")
			p.drain(t)
			e := publish(t, r, "g")
			if tc.meta != nil {
				e.write(TagScript, 0, tc.meta)
			}
			e.write(TagVideo, 0, avcHeader)
			for n := range 3 {
				e.write(TagVideo, uint32(n)*1000, key(10))
				if cut := p.v.ring.closed; cut != (tc.cut > 0 && n+1 >= tc.cut) {
					t.Fatalf("after keyframe %d: cut is %v", n+1, cut)
				}
				if tc.late && n == 0 {
					e.write(TagAudio, 0, aacHeader)
				}
				for i := 1; i < 25; i++ {
					e.write(TagVideo, uint32(n*1000+i*40), inter(10))
					if tc.late {
						e.write(TagAudio, uint32(n*1000+i*40), sound(10))
					}
				}
			}
			wantState(t, r, "g", StateLive)
			if tc.cut == 0 {
				return
			}
			p.wantEOF(t)
			q := join(t, r, "g", "")
			q.drain(t)
			wantTracks(t, q, 1)
		})
	}
}
