package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// clipFile makes a short FLV file with ffmpeg.
func clipFile(t *testing.T, args ...string) []byte {
	t.Helper()
	name := t.TempDir() + "/clip.flv"
	args = append(append([]string{"-v", "error", "-f", "lavfi", "-i", "testsrc=size=160x90:rate=25:duration=1",
		"-f", "lavfi", "-i", "sine=duration=1", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac"}, args...), name)
	if out, err := run(t, "ffmpeg", args...); err != nil {
		t.Fatal(err, out)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPushOnce(t *testing.T) {
	flv := clipFile(t)
	clip, err := readClip(flv)
	if err != nil {
		t.Fatal(err)
	}
	r := newRecorder()
	p := serveIngest(t, keyring{testKey: "gig"}, recordInto(r))
	began := time.Now()
	if err := Push(t.Context(), p.url(), testKey, flv, false); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 900*time.Millisecond {
		t.Errorf("one second of clip was sent in %v", took)
	}
	awaitEnd(t, r)
	for _, kind := range []TagType{TagAudio, TagVideo, TagScript} {
		got, n := r.of(kind), 0
		for _, want := range clip.tags {
			if want.kind != kind {
				continue
			}
			if n >= len(got) || got[n].timestamp != want.timestamp || !bytes.Equal(got[n].body, want.body) {
				t.Fatalf("tag %d of type %d is missing or differs", n, kind)
			}
			n++
		}
		if n != len(got) || n == 0 {
			t.Errorf("%d tags of type %d, want %d", len(got), kind, n)
		}
	}
	if !strings.Contains(p.log.String(), "ended by the encoder") {
		t.Errorf("log: %s", p.log)
	}
}

func TestPushLoop(t *testing.T) {
	flv := clipFile(t)
	r := newRecorder()
	p := serveIngest(t, keyring{testKey: "gig"}, recordInto(r))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	pushed := make(chan error, 1)
	go func() { pushed <- Push(ctx, p.url(), testKey, flv, true) }()
	await(t, "the third round", func() bool { return len(r.of(TagVideo)) > 60 })
	cancel()
	if err := <-pushed; err != nil {
		t.Fatal(err)
	}
	awaitEnd(t, r)
	if !strings.Contains(p.log.String(), "ended by the encoder") {
		t.Errorf("log: %s", p.log)
	}
	video := r.of(TagVideo)
	for n := 1; n < len(video); n++ {
		if step := int64(video[n].timestamp) - int64(video[n-1].timestamp); step < 0 || step > 250 {
			t.Errorf("tag %d comes %d ms after the one before", n, step)
		}
		if (clipTag{TagVideo, 0, video[n].body}).endOfSequence() {
			t.Errorf("tag %d ends the sequence", n)
		}
	}
}

// Encoders that have run for days come with large timestamps, and with those
// that wrap at 24 and at 32 bits.
func TestPushFrom(t *testing.T) {
	flv := clipFile(t)
	clip, err := readClip(flv)
	if err != nil {
		t.Fatal(err)
	}
	for _, start := range []uint32{1<<24 - 500, 1<<24 + 5, 1<<31 - 500, 1<<32 - 500} {
		t.Run(fmt.Sprint(start), func(t *testing.T) {
			t.Parallel()
			r := newRecorder()
			p := serveIngest(t, keyring{testKey: "gig"}, recordInto(r))
			if err := PushFrom(t.Context(), p.url(), testKey, flv, false, time.Duration(start)*time.Millisecond); err != nil {
				t.Fatal(err)
			}
			awaitEnd(t, r)
			n := 0
			for _, want := range clip.tags {
				if want.kind != TagVideo {
					continue
				}
				got := r.of(TagVideo)
				if n >= len(got) || got[n].timestamp != start+want.timestamp || !bytes.Equal(got[n].body, want.body) {
					t.Fatalf("tag %d of %d is missing or differs", n, len(got))
				}
				n++
			}
		})
	}
}

func TestPushErrors(t *testing.T) {
	flv := clipFile(t)
	p := serveIngest(t, keyring{}, nil)
	err := Push(t.Context(), p.url(), "canary-key", flv, false)
	if err == nil || !strings.Contains(err.Error(), refuseTest) || strings.Contains(err.Error(), "canary") {
		t.Errorf("refused: %v", err)
	}
	err = Push(t.Context(), "rtmp://"+p.addr+"/other", "canary-key", flv, false)
	if err == nil || !strings.Contains(err.Error(), "ends in /live") {
		t.Errorf("wrong application: %v", err)
	}
	for _, bad := range []string{"", "http://127.0.0.1/live", "rtmp://", "rtmp://127.0.0.1:1/live", "::"} {
		if err := Push(t.Context(), bad, "k", flv, false); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Push(ctx, p.url(), "k", flv, false); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("ended before the start: %v", err)
	}
}

func TestPushServerGone(t *testing.T) {
	flv := clipFile(t)
	r := newRecorder()
	p := serveIngest(t, keyring{testKey: "gig"}, recordInto(r))
	pushed := make(chan error, 1)
	go func() { pushed <- Push(t.Context(), p.url(), testKey, flv, true) }()
	await(t, "the first video", func() bool { return len(r.of(TagVideo)) > 0 })
	p.gate.kickAll()
	select {
	case err := <-pushed:
		if err == nil {
			t.Error("no error though the server hung up")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Push goes on without a server")
	}
}

func TestReadClip(t *testing.T) {
	good := append(flvHeader(true, true), appendTag(nil, TagVideo, 100, []byte{0x17, 1, 0, 0, 0})...)
	good = appendTag(good, TagVideo, 140, []byte{0x27, 1, 0, 0, 0})
	c, err := readClip(good)
	if err != nil || len(c.tags) != 2 || c.tags[0].timestamp != 0 || c.tags[1].timestamp != 40 || c.length != 80*time.Millisecond {
		t.Errorf("%+v, %v", c, err)
	}
	for name, bad := range map[string][]byte{
		"empty":     nil,
		"no FLV":    []byte("RIFF0123456789abcdef"),
		"no tags":   flvHeader(true, true),
		"cut head":  good[:20],
		"cut body":  good[:30],
		"long head": append([]byte("FLV\x01\x05\xff\xff\xff\xff"), good[9:]...),
		"tiny head": append([]byte("FLV\x01\x05\x00\x00\x00\x00"), good[9:]...),
	} {
		if _, err := readClip(bad); !errors.Is(err, errClip) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzReadClip holds that no file makes the reader fail otherwise than by an error.
func FuzzReadClip(f *testing.F) {
	f.Add(append(flvHeader(true, true), appendTag(nil, TagVideo, 100, []byte{0x17, 1, 0, 0, 0})...))
	f.Add([]byte("FLV\x01\x05\xff\xff\xff\xff\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := readClip(b)
		if (err == nil) != (c != nil && c.length > 0) {
			t.Errorf("%+v, %v", c, err)
		}
	})
}
