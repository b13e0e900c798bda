package media

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// recordings says what is in each recorded session: how many messages, and
// the first and last timestamp of each kind as sent.
var recordings = map[string]struct {
	audio, video, data     int
	firstAudio, lastAudio  uint32
	firstVideo, lastVideo  uint32
	audioHeads, videoHeads int
}{
	"ffmpeg-h264-aac":            {261, 152, 1, 0, 6014, 0, 5983, 1, 1},
	"ffmpeg-bframes-gop4s":       {390, 227, 1, 0, 9066, 0, 8960, 1, 1},
	"ffmpeg-audio-only":          {261, 0, 1, 0, 6014, 0, 0, 1, 0},
	"ffmpeg-video-only":          {0, 152, 1, 0, 0, 0, 5960, 0, 1},
	"ffmpeg-h264-mp3":            {193, 127, 1, 0, 5015, 0, 4985, 0, 1},
	"ffmpeg-resolution-change":   {349, 203, 1, 0, 8067, 0, 8033, 1, 2},
	"ffmpeg-config-change":       {318, 178, 1, 0, 7058, 0, 7031, 2, 2},
	"ffmpeg-ts-past-24bit":       {218, 127, 1, 0, 20004992, 0, 20004960, 1, 1},
	"ffmpeg-ts-cross-24bit":      {261, 152, 1, 0, 16779991, 0, 16779960, 1, 1},
	"ffmpeg-ts-near-32bit":       {433, 252, 1, 0, 2689, 0, 2147483632, 1, 1},
	"gst-rtmpsink":               {259, 182, 19, 0, 5968, 0, 5970, 1, 1},
	"gst-rtmp2sink":              {259, 182, 19, 0, 5968, 0, 5968, 1, 1},
	"gst-rtmp2sink-h264-444":     {259, 182, 18, 0, 5967, 0, 5969, 1, 1},
	"obs29-h264-aac":             {366, 236, 1, 0, 7831, 0, 7799, 1, 1},
	"obs29-killed":               {244, 158, 1, 0, 5228, 0, 5199, 1, 1},
	"ffmpeg8-hevc-enhanced":      {261, 152, 1, 0, 6071, 0, 5960, 1, 1},
	"ffmpeg8-no-media":           {},
	"crafted-hevc-enhanced":      {258, 152, 1, 0, 5944, 0, 6000, 1, 1},
	"crafted-ts-cross-24bit-abs": {261, 152, 1, 0, 16779966, 0, 16779935, 1, 1},
	"crafted-ts-wrap-32bit":      {259, 182, 19, 4294964296, 2968, 4294964296, 2970, 1, 1},
}

// Every recorded session, sent byte for byte to a real port, comes out of
// go-rtmp as it was sent.
func TestSessionsArrive(t *testing.T) {
	for _, name := range sessions(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, ok := recordings[name]
			if !ok {
				t.Fatal("not in the table")
			}
			raw, sent := readSession(t, name)
			r := newRecorder()
			p := serveIngest(t, keyring{testKey: "gig"}, recordInto(r))
			replay(t, p, raw)
			awaitEnd(t, r)
			sameTags(t, r.of(TagAudio), ofType(sent, typeAudio))
			sameTags(t, r.of(TagVideo), ofType(sent, typeVideo))
			audio, video := r.of(TagAudio), r.of(TagVideo)
			checkEnds(t, "audio", audio, want.audio, want.firstAudio, want.lastAudio)
			checkEnds(t, "video", video, want.video, want.firstVideo, want.lastVideo)
			if n := len(r.of(TagScript)); n != want.data {
				t.Errorf("%d script tags, want %d", n, want.data)
			}
			for _, tag := range r.of(TagScript) {
				if !bytes.HasPrefix(tag.body, str("onMetaData")) {
					t.Errorf("script tag %.30q", tag.body)
				}
			}
			reason := "ended by the encoder"
			if strings.HasPrefix(name, "ffmpeg8") || name == "obs29-killed" {
				reason = "connection closed by the encoder"
			}
			if !strings.Contains(p.log.String(), reason) {
				t.Errorf("log: %s", p.log)
			}
			if strings.Contains(p.log.String(), testKey) {
				t.Error("the stream key is in the log")
			}
		})
	}
}

func ofType(all []message, typeID byte) (out []message) {
	for _, m := range all {
		if m.typeID == typeID {
			out = append(out, m)
		}
	}
	return out
}

func sameTags(t *testing.T, got []recorded, want []message) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d tags, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i].timestamp != want[i].timestamp || !bytes.Equal(got[i].body, want[i].body) {
			t.Fatalf("tag %d at %d differs from the one sent at %d", i, got[i].timestamp, want[i].timestamp)
		}
	}
}

func checkEnds(t *testing.T, kind string, got []recorded, n int, first, last uint32) {
	t.Helper()
	if len(got) != n {
		t.Fatalf("%d %s tags, want %d", len(got), kind, n)
	}
	if n > 0 && (got[0].timestamp != first || got[n-1].timestamp != last) {
		t.Errorf("%s from %d to %d, want %d to %d", kind, got[0].timestamp, got[n-1].timestamp, first, last)
	}
}

// Every recorded session, sent to a real port and through the relay, is what
// a viewer needs: headers first, a keyframe first, timestamps that never go
// back, every picture from there on and byte for byte what the encoder sent.
func TestSessionsReachViewers(t *testing.T) {
	for _, name := range sessions(t) {
		if name == "ffmpeg8-no-media" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw, sent := readSession(t, name)
			p := serveIngest(t, keyring{testKey: "gig"}, nil)
			conn := p.dial(t)
			go func() { _, _ = io.Copy(io.Discard, conn) }()
			v, missed := joinEarly(t, p, conn, raw)
			if err := v.end(t); !errors.Is(err, io.EOF) {
				t.Fatalf("the viewer ended by %v", err)
			}
			checkViewed(t, v, sent, missed, recordings[name].audioHeads, recordings[name].videoHeads)
		})
	}
}

// joinEarly sends raw a message at a time until a viewer can join, and the
// rest to that viewer. missed is how many pictures came before the keyframe
// that the viewer starts at.
func joinEarly(t *testing.T, p *place, conn net.Conn, raw []byte) (v *player, missed int) {
	t.Helper()
	_ = conn.SetWriteDeadline(time.Now().Add(20 * time.Second))
	sent, pictures, tags := 0, 0, uint64(0)
	walkSession(raw, func(m message, end int) {
		switch m.typeID {
		case typeAudio, typeVideo, typeData:
			tags++
		}
		if v != nil {
			return
		}
		if m.typeID == typeVideo {
			switch classifyVideo(m.body).kind {
			case kindKeyframe:
				missed = pictures
				pictures++
			case kindFrame:
				pictures++
			}
		}
		if _, err := conn.Write(raw[sent:end]); err != nil {
			t.Fatal(err)
		}
		sent = end
		await(t, "the relay", func() bool { return p.relay.Stats().TagsIn == tags })
		if p.relay.State("gig") == StateLive {
			v = join(t, p.relay, "gig", "")
			v.more(t, 1) // it starts where the stream is now
		}
	})
	if v == nil {
		t.Fatal("the stream did not go live")
	}
	go func() {
		_, _ = conn.Write(raw[sent:])
		_ = conn.(*net.TCPConn).CloseWrite()
	}()
	return v, missed
}

// checkViewed compares what a viewer got with what was sent.
func checkViewed(t *testing.T, v *player, sent []message, missed, audioHeads, videoHeads int) {
	t.Helper()
	if n := v.count(TagAudio, kindHeader); n != audioHeads {
		t.Errorf("%d audio headers, want %d", n, audioHeads)
	}
	if n := v.count(TagVideo, kindHeader); n != videoHeads {
		t.Errorf("%d video headers, want %d", n, videoHeads)
	}
	if len(v.Tags) == 0 || v.Tags[0].Type != TagScript {
		t.Fatal("no metadata first")
	}
	pictures := 0
	for _, m := range ofType(sent, typeVideo) {
		if k := classifyVideo(m.body).kind; k == kindKeyframe || k == kindFrame {
			pictures++
		}
	}
	if n := v.count(TagVideo, kindKeyframe) + v.count(TagVideo, kindFrame); n != pictures-missed {
		t.Errorf("%d pictures, %d were sent, %d too early", n, pictures, missed)
	}
	sounds := len(ofType(sent, typeAudio))
	if pictures == 0 {
		sounds /= 50 // without keyframes a viewer starts where it comes
	}
	if n := v.count(TagAudio, kindFrame); n < sounds*9/10 {
		t.Errorf("%d sounds, %d were sent", n, sounds)
	}
	for _, kind := range []TagType{TagAudio, TagVideo} {
		rest := ofType(sent, byte(kind))
		for i, tag := range v.Tags {
			if tag.Type != kind {
				continue
			}
			for len(rest) > 0 && !bytes.Equal(rest[0].body, tag.Body) {
				rest = rest[1:]
			}
			if len(rest) == 0 {
				t.Fatalf("tag %d of type %d is not what was sent, or not in order", i, kind)
			}
			rest = rest[1:]
		}
	}
}

// A panic while serving one connection ends that one and no other.
func TestPanicEndsOneConnection(t *testing.T) {
	const canary = "canary-key-in-a-panic"
	for _, where := range []string{"authorizer", "relay", "end"} {
		t.Run(where, func(t *testing.T) {
			r := newRecorder()
			p := serveIngest(t, authFunc(func(_ context.Context, key string) (string, error) {
				if where == "authorizer" && key == canary {
					panic("injected by " + key)
				}
				return key, nil
			}), func(i *Ingest) {
				i.publish = func(gigID string, _ PublisherInfo) (tagWriter, error) {
					if gigID == canary {
						return panicker{where}, nil
					}
					return r, nil
				}
			})
			raw, _ := readSession(t, "ffmpeg-h264-aac")
			good := p.dial(t)
			go func() { _, _ = io.Copy(io.Discard, good) }()
			if _, err := good.Write(raw[:len(raw)/2]); err != nil {
				t.Fatal(err)
			}
			await(t, "the good publisher", func() bool { return len(r.of(TagVideo)) > 0 })

			bad := p.dial(t)
			_, _ = bad.Write(craft(opening(canary), whole(6, typeVideo, 0, []byte{0x17, 1, 0, 0, 0, 9})))
			_ = bad.(*net.TCPConn).CloseWrite()
			awaitHangUp(t, bad)

			if _, err := good.Write(raw[len(raw)/2:]); err != nil {
				t.Fatal(err)
			}
			awaitEnd(t, r)
			if n := len(r.of(TagVideo)); n != recordings["ffmpeg-h264-aac"].video {
				t.Errorf("%d video tags of the good publisher", n)
			}
			log := p.log.String()
			if !strings.Contains(log, "panic while serving") || strings.Contains(log, "injected") {
				t.Errorf("log: %s", log)
			}
			if where == "authorizer" && strings.Contains(log, canary) {
				t.Errorf("the key is in the log: %s", log)
			}
		})
	}
}

// panicker is a tagWriter that panics.
type panicker struct{ where string }

func (p panicker) WriteTag(TagType, uint32, []byte) error {
	if p.where == "relay" {
		panic("injected")
	}
	return nil
}

func (panicker) TooFast(int) {}

func (p panicker) Close() {
	if p.where == "end" {
		panic("injected")
	}
}
