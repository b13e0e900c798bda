package media

import "time"

const (
	bitrateWindow  = 5 // seconds
	historySlot    = 5 * time.Second
	historySlots   = 60
	frameSamples   = 64
	keyframesKept  = 4
	longKeyframes  = 4 * time.Second
	silence        = 5000 // milliseconds of stream
	highBitrate    = 8_000_000
	manyReconnects = 3
	reconnectSpan  = 5 * time.Minute
	tooFastShown   = time.Minute
)

// Warning names something about an incoming stream that hurts viewers.
type Warning string

// Warnings that a Health can carry.
const (
	WarnLongKeyframes  Warning = "long-keyframes"  // more than 4 s apart
	WarnNoKeyframe     Warning = "no-keyframe"     // none for so long that the GOP was cut
	WarnVideoCodec     Warning = "video-codec"     // browsers cannot play it
	WarnVideoProfile   Warning = "video-profile"   // H.264, but 4:2:2, 4:4:4 or more than 8 bits
	WarnAudioCodec     Warning = "audio-codec"     // browsers cannot play it
	WarnNoAudio        Warning = "no-audio"        // no sound for 5 s of stream
	WarnNoVideo        Warning = "no-video"        // no picture for 5 s of stream
	WarnHighBitrate    Warning = "high-bitrate"    // more than 8 Mbit/s: many viewers cannot follow
	WarnManyReconnects Warning = "many-reconnects" // 3 or more interruptions in five minutes
	WarnTooFast        Warning = "too-fast"        // cut off for sending more than MaxBitrate
	WarnManyEncoders   Warning = "many-encoders"   // several send with the same key and throw each other out
)

// Health is what the studio shows of an incoming stream.
type Health struct {
	State            State         // StateIdle: connected, but nothing to watch yet
	PublisherAddr    string        // remote address of the publisher, empty while reconnecting
	Since            time.Time     // when the stream went live first; zero: not yet
	Interruptions    int           // times the publisher was lost since then
	Width, Height    int           // pixels; 0: unknown
	FrameRate        float64       // per second, measured; 0: unknown
	VideoCodec       string        // "H.264", "HEVC", …; empty: no picture
	AudioCodec       string        // "AAC", "MP3", …; empty: no sound
	SampleRate       int           // Hz; 0: unknown
	Channels         int           // 0: unknown
	VideoBitrate     int           // bit/s over the last seconds
	AudioBitrate     int           // bit/s over the last seconds
	KeyframeInterval time.Duration // longest distance of the last keyframes; 0: unknown
	Viewers, Peak    int
	Bitrates         []int // bit/s in all, one each 5 s, oldest first, at most 60
	Warnings         []Warning
	TooFast          int // bit/s that a publisher was cut off for in the last minute; 0: none was
	MaxBitrate       int // bit/s
}

// meter measures one show as it comes in. Times of the stream are those of the
// output timeline, in milliseconds.
type meter struct {
	since         time.Time // when the stream went live first
	peak          int       // viewers
	interruptions int
	lost          []time.Time // the latest interruptions
	tooFast       int         // bit/s that a publisher was cut off for
	tooFastAt     time.Time

	begun   time.Time // of the first tag; slots are counted from here
	seconds [bitrateWindow + 1]second
	slot    int64 // number of the history slot that is being filled
	filled  int   // its bytes
	history []int

	frames     [frameSamples]int64 // of the latest pictures
	frameCount int
	keys       []int64 // of the latest keyframes
	began      int64   // when the publisher came in
	sound      int64   // latest
	vision     int64   // latest picture
}

// second is the bytes that came within one second.
type second struct {
	number       int64
	audio, video int
}

// received counts a tag as it comes in, relayed or not.
func (m *meter) received(now time.Time, t TagType, n int) {
	if m.begun.IsZero() {
		m.begun = now
	}
	m.roll(now)
	m.filled += n
	number := int64(now.Sub(m.begun) / time.Second)
	s := &m.seconds[number%int64(len(m.seconds))]
	if s.number != number {
		*s = second{number: number}
	}
	switch t {
	case TagAudio:
		s.audio += n
	case TagVideo:
		s.video += n
	}
}

// roll moves the history on to now.
func (m *meter) roll(now time.Time) {
	slot := int64(now.Sub(m.begun) / historySlot)
	if slot-m.slot > historySlots {
		m.slot, m.filled, m.history = slot-historySlots, 0, m.history[:0]
	}
	for ; m.slot < slot; m.slot++ {
		if len(m.history) == historySlots {
			copy(m.history, m.history[1:])
			m.history = m.history[:historySlots-1]
		}
		m.history = append(m.history, m.filled*8/int(historySlot/time.Second))
		m.filled = 0
	}
}

// bitrates returns the bit rates over the last whole seconds.
func (m *meter) bitrates(now time.Time) (audio, video int) {
	number := int64(now.Sub(m.begun) / time.Second)
	span := min(number, bitrateWindow)
	if m.begun.IsZero() || span == 0 {
		return 0, 0
	}
	for _, s := range m.seconds {
		if s.number < number && s.number >= number-span {
			audio += s.audio
			video += s.video
		}
	}
	return audio * 8 / int(span), video * 8 / int(span)
}

// picture notes a picture that is relayed.
func (m *meter) picture(out int64, key bool) {
	m.vision = out
	m.frames[m.frameCount%frameSamples] = out
	m.frameCount++
	if key {
		if len(m.keys) > keyframesKept {
			copy(m.keys, m.keys[1:])
			m.keys = m.keys[:keyframesKept]
		}
		m.keys = append(m.keys, out)
	}
}

// resumed notes that a publisher comes in.
func (m *meter) resumed(out int64) {
	m.began, m.sound, m.vision = out, out, out
	m.frameCount, m.keys = 0, m.keys[:0]
}

// interrupted notes that the publisher was lost.
func (m *meter) interrupted(now time.Time) {
	m.interruptions++
	if len(m.lost) == manyReconnects {
		copy(m.lost, m.lost[1:])
		m.lost = m.lost[:manyReconnects-1]
	}
	m.lost = append(m.lost, now)
}

// frameRate is measured over the latest pictures.
func (m *meter) frameRate() float64 {
	n := min(m.frameCount, frameSamples)
	if n < 2 {
		return 0
	}
	newest := m.frames[(m.frameCount-1)%frameSamples]
	oldest := m.frames[(m.frameCount-n)%frameSamples]
	if newest <= oldest {
		return 0
	}
	return float64(n-1) * 1000 / float64(newest-oldest)
}

// keyframeInterval is the longest distance of the latest keyframes, counting
// the one that is still open.
func (m *meter) keyframeInterval() time.Duration {
	longest := int64(0)
	for i := 1; i < len(m.keys); i++ {
		longest = max(longest, m.keys[i]-m.keys[i-1])
	}
	if n := len(m.keys); n > 0 {
		longest = max(longest, m.vision-m.keys[n-1])
	}
	return time.Duration(longest) * time.Millisecond
}

// health describes the stream. The caller holds s.mu.
func (s *stream) health(now time.Time) Health {
	m := &s.meter
	h := Health{
		State: s.state, Since: m.since, Interruptions: m.interruptions,
		FrameRate: m.frameRate(), KeyframeInterval: m.keyframeInterval(),
		Viewers: len(s.viewers), Peak: m.peak,
	}
	h.AudioBitrate, h.VideoBitrate = m.bitrates(now)
	h.MaxBitrate = s.relay.options.MaxBitrate
	if now.Sub(m.tooFastAt) < tooFastShown {
		h.TooFast = m.tooFast
	}
	if !m.begun.IsZero() {
		m.roll(now)
		h.Bitrates = append(h.Bitrates, m.history...)
	}
	if p := s.pub; p != nil {
		h.PublisherAddr = p.info.Addr
		h.VideoCodec, h.AudioCodec = p.tracks.video.name, p.tracks.audio.name
		h.Width, h.Height = p.video.width, p.video.height
		h.SampleRate, h.Channels = p.audio.rate, p.audio.channels
	}
	h.Warnings = s.warnings(now, &h)
	return h
}

// warnings lists what hurts viewers.
func (s *stream) warnings(now time.Time, h *Health) (list []Warning) {
	warn := func(w Warning, when bool) {
		if when {
			list = append(list, w)
		}
	}
	m := &s.meter
	several := s.contest.on(now)
	warn(WarnManyEncoders, several)
	warn(WarnTooFast, h.TooFast > 0)
	warn(WarnManyReconnects, !several && len(m.lost) == manyReconnects && now.Sub(m.lost[0]) <= reconnectSpan)
	p := s.pub
	if p == nil {
		return list
	}
	t := p.tracks
	warn(WarnNoKeyframe, t.video.name != "" && p.noKeyframe(now))
	warn(WarnLongKeyframes, h.KeyframeInterval > longKeyframes)
	warn(WarnVideoCodec, t.video.name != "" && !t.video.playable())
	warn(WarnVideoProfile, t.video.name == "H.264" && p.video.deep)
	warn(WarnAudioCodec, t.audio.name != "" && !t.audio.playable())
	if p.running {
		warn(WarnNoAudio, s.timeline.out-m.sound > silence)
		warn(WarnNoVideo, s.timeline.out-m.vision > silence)
	}
	warn(WarnHighBitrate, h.VideoBitrate+h.AudioBitrate > highBitrate)
	return list
}

// noKeyframe tells whether nobody could join for want of a keyframe.
func (p *Publisher) noKeyframe(now time.Time) bool {
	if p.running {
		return len(p.s.ring.joins) == 0
	}
	return p.begun && now.Sub(p.firstAt) > longKeyframes
}
