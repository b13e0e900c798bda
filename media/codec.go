package media

import "strings"

// tagKind says what a tag's payload is to the relay.
type tagKind int

const (
	kindFrame    tagKind = iota // sound, or a picture that needs others
	kindKeyframe                // a picture that decoding can start at
	kindHeader                  // sequence header
	kindInfo                    // metadata of the picture, such as its colours
	kindEnd                     // end of sequence: fatal for a later resume
	kindCommand                 // for the server, not for viewers
	kindBad                     // too short or unknown packet type
)

// codec names how a track is coded. Enhanced RTMP codes the same codec another
// way, so a change between both is a change of codec to a player.
type codec struct {
	name     string // as people write it; empty: no such track
	enhanced bool
	headers  bool // useless without a sequence header
}

// playable tells whether browsers play it over FLV.
func (c codec) playable() bool {
	return !c.enhanced && (c.name == "H.264" || c.name == "AAC" || c.name == "MP3")
}

// tagInfo is what the relay needs to know of a tag's payload.
type tagInfo struct {
	kind   tagKind
	codec  codec
	config []byte // in a sequence header: the codec's own configuration
}

// Codec ids of the FLV specification 10.1, E.4.2.1 and E.4.3.1; 12 and 13 are
// what encoders used for HEVC and AV1 before Enhanced RTMP.
var (
	legacyVideo = [16]codec{
		2: {name: "H.263"}, 3: {name: "Screen video"}, 4: {name: "VP6"}, 5: {name: "VP6"},
		6: {name: "Screen video"}, 7: {name: "H.264", headers: true},
		12: {name: "HEVC", headers: true}, 13: {name: "AV1", headers: true},
	}
	legacyAudio = [16]codec{
		0: {name: "PCM"}, 1: {name: "ADPCM"}, 2: {name: "MP3"}, 3: {name: "PCM"},
		4: {name: "Nellymoser"}, 5: {name: "Nellymoser"}, 6: {name: "Nellymoser"},
		7: {name: "G.711"}, 8: {name: "G.711"}, 10: {name: "AAC", headers: true},
		11: {name: "Speex"}, 14: {name: "MP3"},
	}
	fourCC = map[string]string{
		"avc1": "H.264", "hvc1": "HEVC", "vvc1": "VVC", "av01": "AV1", "vp08": "VP8", "vp09": "VP9",
		"mp4a": "AAC", ".mp3": "MP3", "Opus": "Opus", "ac-3": "AC-3", "ec-3": "E-AC-3", "fLaC": "FLAC",
	}
)

// classifyVideo reads the head of a video payload.
func classifyVideo(b []byte) tagInfo {
	if len(b) < 2 {
		return tagInfo{kind: kindBad}
	}
	frame, c := b[0]>>4&7, legacyVideo[b[0]&15]
	switch {
	case frame == 0:
		return tagInfo{kind: kindBad}
	case b[0]&0x80 != 0:
		return classifyEnhanced(b, frame, enhancedVideo)
	case c.name == "":
		return tagInfo{kind: kindBad}
	case frame == 5:
		return tagInfo{kind: kindCommand}
	case !c.headers:
		return tagInfo{kind: frameKind(frame), codec: c}
	case b[1] == 2:
		return tagInfo{kind: kindEnd, codec: c}
	case len(b) < 6 || b[1] > 1:
		return tagInfo{kind: kindBad}
	case b[1] == 0:
		return tagInfo{kind: kindHeader, codec: c, config: b[5:]}
	}
	return tagInfo{kind: frameKind(frame), codec: c}
}

// classifyAudio reads the head of an audio payload.
func classifyAudio(b []byte) tagInfo {
	if len(b) < 2 {
		return tagInfo{kind: kindBad}
	}
	if b[0]>>4 == 9 {
		return classifyEnhanced(b, 0, enhancedAudio)
	}
	c := legacyAudio[b[0]>>4]
	switch {
	case c.name == "":
		return tagInfo{kind: kindBad}
	case c.headers && b[1] == 0:
		return tagInfo{kind: kindHeader, codec: c, config: b[2:]}
	case c.headers && (b[1] != 1 || len(b) < 3):
		return tagInfo{kind: kindBad}
	}
	return tagInfo{kind: kindFrame, codec: c}
}

func frameKind(frame byte) tagKind {
	if frame == 1 || frame == 4 {
		return kindKeyframe
	}
	return kindFrame
}

// Packet types of Enhanced RTMP v2, by what they are to the relay.
var (
	enhancedVideo = map[byte]tagKind{0: kindHeader, 1: kindFrame, 2: kindEnd, 3: kindFrame, 4: kindInfo, 5: kindHeader}
	enhancedAudio = map[byte]tagKind{0: kindHeader, 1: kindFrame, 2: kindEnd, 4: kindInfo}
)

// classifyEnhanced reads the head of an Enhanced RTMP (v2) payload. Its first
// byte carries the packet type; "ModEx" prefixes and a multitrack head may
// stand before the FourCC.
func classifyEnhanced(b []byte, frame byte, kinds map[byte]tagKind) tagInfo {
	const multitrack, modEx = 5, 7
	multi := byte(multitrack)
	if frame != 0 { // in video, 5 is a sequence header and 6 is multitrack
		multi = multitrack + 1
	}
	packet, rest := b[0]&15, b[1:]
	for packet == modEx {
		n, used := 0, 1
		if len(rest) < 1 {
			return tagInfo{kind: kindBad}
		}
		if n = int(rest[0]) + 1; n == 256 {
			if len(rest) < 3 {
				return tagInfo{kind: kindBad}
			}
			n, used = int(rest[1])<<8+int(rest[2])+1, 3
		}
		if len(rest) < used+n+1 {
			return tagInfo{kind: kindBad}
		}
		packet, rest = rest[used+n]&15, rest[used+n+1:]
	}
	if frame == 5 && packet != 4 {
		return tagInfo{kind: kindCommand}
	}
	if packet == multi {
		if len(rest) < 1 {
			return tagInfo{kind: kindBad}
		}
		packet, rest = rest[0]&15, rest[1:]
	}
	kind, ok := kinds[packet]
	if !ok || len(rest) < 4 {
		return tagInfo{kind: kindBad}
	}
	if kind == kindFrame && frame != 0 {
		kind = frameKind(frame)
	}
	return tagInfo{kind: kind, codec: enhancedCodec(rest[:4]), config: rest[4:]}
}

// enhancedCodec names a FourCC. Of one that is unknown only plain characters
// are kept, as it is shown to people.
func enhancedCodec(cc []byte) codec {
	name := fourCC[string(cc)]
	if name == "" {
		name = "unknown " + strings.Map(func(r rune) rune {
			if r < ' ' || r > '~' {
				return '?'
			}
			return r
		}, string(cc))
	}
	needs := name == "H.264" || name == "HEVC" || name == "VVC" || name == "AV1" || name == "AAC"
	return codec{name: name, enhanced: true, headers: needs}
}
