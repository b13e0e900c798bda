package media

import (
	"slices"
	"testing"
	"time"
)

func has(h Health, w Warning) bool { return slices.Contains(h.Warnings, w) }

// seconds publishes in real time, on the bubble's clock.
func (e *encoder) seconds(n, videoBytes, audioBytes int) *encoder {
	e.t.Helper()
	for range n * 25 {
		if e.n%e.gop == 0 {
			e.write(TagVideo, e.ts, key(videoBytes/25))
		} else {
			e.write(TagVideo, e.ts, inter(videoBytes/25))
		}
		if audioBytes > 0 {
			e.write(TagAudio, e.ts, sound(audioBytes/25))
		}
		e.ts += 40
		e.n++
		time.Sleep(40 * time.Millisecond)
	}
	return e
}

func TestHealth(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := testRelay(t, RelayOptions{})
		e := publish(t, r, "g").headers()
		e.gop = 50
		began := time.Now()
		e.seconds(400, 312_500, 16_000)
		h, ok := r.Health("g")
		if !ok || h.State != StateLive || h.PublisherAddr != "192.0.2.1:5000" || !h.Since.Equal(began) {
			t.Errorf("%+v", h)
		}
		if h.Width != 1280 || h.Height != 720 || h.VideoCodec != "H.264" || h.AudioCodec != "AAC" ||
			h.SampleRate != 44100 || h.Channels != 2 {
			t.Errorf("%+v", h)
		}
		if h.FrameRate != 25 || h.KeyframeInterval != 2*time.Second {
			t.Errorf("%v pictures a second, keyframes %v apart", h.FrameRate, h.KeyframeInterval)
		}
		near := func(got, want int) bool { return got > want*95/100 && got < want*105/100 }
		if !near(h.VideoBitrate, 2_500_000) || !near(h.AudioBitrate, 128_000) {
			t.Errorf("bit rates %d and %d", h.VideoBitrate, h.AudioBitrate)
		}
		if len(h.Bitrates) != 60 || !near(h.Bitrates[0], 2_628_000) || !near(h.Bitrates[59], 2_628_000) {
			t.Errorf("history %v", h.Bitrates)
		}
		if len(h.Warnings) != 0 {
			t.Errorf("warnings of a healthy stream: %v", h.Warnings)
		}
		e.p.Close()
		time.Sleep(12 * time.Second)
		h, _ = r.Health("g")
		if h.State != StateReconnecting || h.PublisherAddr != "" || h.VideoBitrate != 0 || h.Interruptions != 1 {
			t.Errorf("%+v", h)
		}
		if n := len(h.Bitrates); n != 60 || h.Bitrates[59] != 0 {
			t.Errorf("history %v", h.Bitrates)
		}
	})
}

func TestWarnings(t *testing.T) {
	avc444 := append([]byte{0x17, 0, 0, 0, 0}, avcConfig(sps444)...)
	for _, tc := range []struct {
		name string
		run  func(e *encoder, r *Relay)
		want []Warning
	}{
		{"keyframes far apart", func(e *encoder, _ *Relay) { e.gop = 250; e.headers().seconds(11, 1000, 1000) }, []Warning{WarnLongKeyframes}},
		{"no keyframe at all", func(e *encoder, _ *Relay) { e.n = 1; e.gop = 1000; e.headers().seconds(5, 1000, 1000) }, []Warning{WarnNoKeyframe}},
		{"no sound", func(e *encoder, _ *Relay) { e.headers().seconds(6, 1000, 0) }, []Warning{WarnNoAudio}},
		{"no picture", func(e *encoder, _ *Relay) {
			e.write(TagAudio, 0, aacHeader)
			for i := range 300 {
				e.write(TagAudio, uint32(i)*23, sound(10))
			}
		}, []Warning{WarnNoVideo}},
		{"4:4:4", func(e *encoder, _ *Relay) {
			e.write(TagVideo, 0, avc444)
			e.write(TagAudio, 0, aacHeader)
			e.seconds(1, 1000, 1000)
		}, []Warning{WarnVideoProfile}},
		{"codecs that browsers lack", func(e *encoder, _ *Relay) {
			e.write(TagVideo, 0, append([]byte{0x90, 'h', 'v', 'c', '1'}, make([]byte, 30)...))
			e.write(TagVideo, 0, append([]byte{0x93, 'h', 'v', 'c', '1'}, make([]byte, 30)...))
			e.write(TagAudio, 0, []byte{0xb6, 1, 2, 3})
		}, []Warning{WarnVideoCodec, WarnAudioCodec}},
		{"high bit rate", func(e *encoder, _ *Relay) { e.headers().seconds(6, 1_100_000, 1000) }, []Warning{WarnHighBitrate}},
		{"many reconnects", func(e *encoder, r *Relay) {
			for range 3 {
				e.headers().seconds(1, 1000, 1000)
				e.p.Close()
				*e = *publish(e.t, r, "g")
			}
			e.headers().seconds(1, 1000, 1000)
		}, []Warning{WarnManyReconnects}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := testRelay(t, RelayOptions{})
				tc.run(publish(t, r, "g"), r)
				if h, _ := r.Health("g"); !slices.Equal(h.Warnings, tc.want) {
					t.Errorf("warnings %v, want %v", h.Warnings, tc.want)
				}
			})
		})
	}
}

func TestReconnectsAreForgotten(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := testRelay(t, RelayOptions{})
		e := publish(t, r, "g")
		for range 3 {
			e.headers().seconds(1, 1000, 1000)
			e.p.Close()
			e = publish(t, r, "g")
		}
		e.headers().seconds(300, 1000, 1000)
		if h, _ := r.Health("g"); has(h, WarnManyReconnects) || h.Interruptions != 3 {
			t.Errorf("warnings %v after %d interruptions", h.Warnings, h.Interruptions)
		}
	})
}
