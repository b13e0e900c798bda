package media

import (
	"encoding/hex"
	"testing"
)

// Parameter sets that x264 made.
const (
	sps720  = "6764001facd9405005bb011000000300100000030320f1831960"
	sps444h = "67f4001e919b281405ff1380880000030008000003019078b16cb0"
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

var (
	sps444        = unhex(sps444h)
	avcConfig720p = avcConfig(unhex(sps720))
)

// avcConfig wraps a parameter set into an AVCDecoderConfigurationRecord.
func avcConfig(sps []byte) []byte {
	b := []byte{1, sps[1], sps[2], sps[3], 0xff, 0xe1, byte(len(sps) >> 8), byte(len(sps))}
	b = append(b, sps...)
	return append(b, 1, 0, 6, 0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0)
}

// bitWriter builds parameter sets that no encoder at hand makes.
type bitWriter struct {
	b []byte
	n int
}

func (w *bitWriter) put(v uint32, n int) *bitWriter {
	for i := n - 1; i >= 0; i-- {
		if w.n%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[w.n/8] |= byte(v>>i&1) << (7 - w.n%8)
		w.n++
	}
	return w
}

func (w *bitWriter) ue(values ...uint32) *bitWriter {
	for _, v := range values {
		n := 0
		for (v+1)>>n > 1 {
			n++
		}
		w.put(0, n).put(v+1, n+1)
	}
	return w
}

func TestParseSPS(t *testing.T) {
	lists := &bitWriter{b: []byte{0x67}, n: 8}
	lists.put(100, 8).put(0, 16).ue(0, 1, 0, 0).put(0, 1).put(1, 1) // scaling lists follow
	lists.put(1, 1).ue(1, 0).ue(make([]uint32, 14)...)              // one of 16 entries
	lists.put(1, 1).ue(16)                                          // -8: the default list
	lists.put(0, 6)                                                 // the others: none
	lists.ue(0, 1).put(0, 1).ue(3, 4, 2, 5, 6).ue(4).put(0, 1)      // order type 1 with two offsets
	lists.ue(39, 22).put(1, 1).put(1, 1).put(1, 1).ue(0, 0, 0, 4).put(0, 1).put(1, 1)
	for _, tc := range []struct {
		name string
		sps  []byte
		want videoFormat
	}{
		{"720p", unhex(sps720), videoFormat{1280, 720, false}},
		{"1080p, cropped", unhex("67640028acd940780227e5c044000003000400000300c83c60c658"), videoFormat{1920, 1080, false}},
		{"baseline", unhex("6742c00cd901419f9f011000000300100000030320f142a480"), videoFormat{320, 180, false}},
		{"4:4:4", sps444, videoFormat{640, 360, true}},
		{"4:4:4, cropped", unhex("67f4000c919b282833f1b808800000030080000019078a14cb"), videoFormat{320, 180, true}},
		{"4:2:2", unhex("677a001ebcd940d83de6f011000003000100000300320f162d96"), videoFormat{854, 480, true}},
		{"10 bits", unhex("676e001fa6cd9405005bb011000003000100000300320f183196"), videoFormat{1280, 720, true}},
		{"interlaced", unhex("6764001eacd940b424d8088000000300800000190f8a14cb"), videoFormat{720, 576, false}},
		{"grey", unhex("6764001ef3650280bfe27016c80000030008000003019078b16cb0"), videoFormat{640, 360, false}},
		{"scaling lists, order type 1", lists.b, videoFormat{640, 360, false}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, ok := parseAVCConfig(avcConfig(tc.sps))
			if !ok || got != tc.want {
				t.Errorf("got %+v %v, want %+v", got, ok, tc.want)
			}
			for n := range tc.sps {
				if f, ok := parseSPS(tc.sps[:n]); ok && n < 8 {
					t.Errorf("%d bytes gave %+v", n, f)
				}
			}
		})
	}
	for _, bad := range [][]byte{nil, {1}, make([]byte, 20), {1, 0, 0, 0, 0, 1, 0xff, 0xff, 0x67}} {
		if f, ok := parseAVCConfig(bad); ok {
			t.Errorf("% x gave %+v", bad, f)
		}
	}
}

func TestParseAudioConfig(t *testing.T) {
	for _, tc := range []struct {
		name string
		b    []byte
		want audioFormat
		ok   bool
	}{
		{"LC 44.1 kHz stereo", []byte{0x12, 0x10}, audioFormat{44100, 2}, true},
		{"LC 48 kHz mono", []byte{0x11, 0x88}, audioFormat{48000, 1}, true},
		{"HE, 24 kHz doubled", []byte{0x2b, 0x11, 0x88, 0x00}, audioFormat{48000, 2}, true},
		{"rate written out", []byte{0x17, 0x80, 0x5d, 0xc0, 0x10}, audioFormat{48000, 2}, true},
		{"7.1", []byte{0x11, 0xb8}, audioFormat{48000, 8}, true},
		{"empty", nil, audioFormat{}, false},
		{"cut", []byte{0x12}, audioFormat{}, false},
		{"reserved rate", []byte{0x16, 0x90}, audioFormat{}, false},
	} {
		if got, ok := parseAudioConfig(tc.b); got != tc.want || ok != tc.ok {
			t.Errorf("%s: %+v %v, want %+v", tc.name, got, ok, tc.want)
		}
	}
}

func TestClassify(t *testing.T) {
	hevc := func(first byte) []byte { return []byte{first, 'h', 'v', 'c', '1', 0, 0, 0, 0} }
	modEx := []byte{0x97, 2, 0, 0, 0, 0x01, 'a', 'v', '0', '1', 0}
	longModEx := append(append([]byte{0x97, 255, 1, 0}, make([]byte, 257)...), 0x03, 'a', 'v', '0', '1', 0)
	for _, tc := range []struct {
		name  string
		t     TagType
		b     []byte
		kind  tagKind
		codec string
		plays bool
	}{
		{"AVC header", TagVideo, avcHeader, kindHeader, "H.264", true},
		{"AVC keyframe", TagVideo, key(1), kindKeyframe, "H.264", true},
		{"AVC picture", TagVideo, inter(1), kindFrame, "H.264", true},
		{"AVC end", TagVideo, avcEnd, kindEnd, "H.264", true},
		{"AVC cut", TagVideo, []byte{0x17, 1, 0}, kindBad, "", false},
		{"AVC packet type 3", TagVideo, []byte{0x17, 3, 0, 0, 0, 0}, kindBad, "", false},
		{"command", TagVideo, []byte{0x57, 0}, kindCommand, "", false},
		{"H.263", TagVideo, []byte{0x12, 0}, kindKeyframe, "H.263", false},
		{"VP6", TagVideo, []byte{0x24, 0}, kindFrame, "VP6", false},
		{"unofficial HEVC", TagVideo, []byte{0x1c, 0, 0, 0, 0, 1}, kindHeader, "HEVC", false},
		{"unknown id", TagVideo, []byte{0x1f, 0}, kindBad, "", false},
		{"one byte", TagVideo, []byte{0x17}, kindBad, "", false},
		{"enhanced header", TagVideo, hevc(0x90), kindHeader, "HEVC", false},
		{"enhanced keyframe", TagVideo, hevc(0x91), kindKeyframe, "HEVC", false},
		{"enhanced picture", TagVideo, hevc(0xa3), kindFrame, "HEVC", false},
		{"enhanced end", TagVideo, hevc(0x92)[:5], kindEnd, "HEVC", false},
		{"enhanced metadata", TagVideo, hevc(0xd4), kindInfo, "HEVC", false},
		{"enhanced command", TagVideo, hevc(0xd1), kindCommand, "", false},
		{"enhanced cut", TagVideo, hevc(0x90)[:4], kindBad, "", false},
		{"enhanced H.264 needs another player", TagVideo, []byte{0x90, 'a', 'v', 'c', '1', 0}, kindHeader, "H.264", false},
		{"ModEx", TagVideo, modEx, kindKeyframe, "AV1", false},
		{"long ModEx", TagVideo, longModEx, kindKeyframe, "AV1", false},
		{"ModEx cut", TagVideo, modEx[:5], kindBad, "", false},
		{"multitrack", TagVideo, []byte{0x96, 0x01, 'v', 'p', '0', '9', 0}, kindKeyframe, "VP9", false},
		{"FourCC of no letters", TagVideo, []byte{0x91, 0, '<', 255, 'x', 0}, kindKeyframe, "unknown ?<?x", false},
		{"AAC header", TagAudio, aacHeader, kindHeader, "AAC", true},
		{"AAC", TagAudio, sound(1), kindFrame, "AAC", true},
		{"AAC, nothing in it", TagAudio, []byte{0xaf, 1}, kindBad, "", false},
		{"MP3", TagAudio, []byte{0x2f, 0xff}, kindFrame, "MP3", true},
		{"Speex", TagAudio, []byte{0xb6, 1}, kindFrame, "Speex", false},
		{"Opus", TagAudio, []byte{0x91, 'O', 'p', 'u', 's', 1}, kindFrame, "Opus", false},
		{"Opus header", TagAudio, []byte{0x90, 'O', 'p', 'u', 's', 1}, kindHeader, "Opus", false},
		{"channel layout", TagAudio, []byte{0x94, 'O', 'p', 'u', 's', 1}, kindInfo, "Opus", false},
		{"multitrack sound", TagAudio, []byte{0x95, 0x01, 'a', 'c', '-', '3', 0}, kindFrame, "AC-3", false},
		{"reserved sound", TagAudio, []byte{0xcf, 1}, kindBad, "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := flvTag{Type: tc.t, Body: tc.b}.info()
			if got.kind != tc.kind || got.codec.name != tc.codec || got.codec.playable() != tc.plays {
				t.Errorf("got %d %+v", got.kind, got.codec)
			}
		})
	}
}

func TestLegacyAudioFormat(t *testing.T) {
	for b, want := range map[byte]audioFormat{
		0x2f: {44100, 2}, 0x2a: {22050, 1}, 0xef: {8000, 2}, 0xb6: {16000, 1}, 0x5e: {8000, 1}, 0x4e: {16000, 1},
	} {
		if got := legacyAudioFormat(b); got != want {
			t.Errorf("%02x: %+v, want %+v", b, got, want)
		}
	}
}

func FuzzCodec(f *testing.F) {
	f.Add(unhex(sps720))
	f.Add(sps444)
	f.Add(avcConfig720p)
	f.Add(aacHeader)
	f.Add([]byte{0x97, 2, 0, 0, 0, 0x01, 'a', 'v', '0', '1', 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, parse := range []func([]byte) (videoFormat, bool){parseAVCConfig, parseSPS} {
			if v, ok := parse(b); ok && (v.width <= 0 || v.height <= 0 || v.width > 1<<16 || v.height > 1<<16) {
				t.Fatalf("picture of %dx%d", v.width, v.height)
			}
		}
		if a, ok := parseAudioConfig(b); ok && (a.rate <= 0 || a.rate >= 1<<24 || a.channels < 0) {
			t.Fatalf("sound %+v", a)
		}
		classifyVideo(b)
		classifyAudio(b)
	})
}
