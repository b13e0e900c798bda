package media

import (
	"bytes"
	"time"
)

const (
	// settleTime is how long a new publisher may take to show its second track
	// before viewers are told that there is only one.
	settleTime = 500 * time.Millisecond
	// goneAfter is how long a track may be silent, in stream time, before
	// viewers are no longer told of it.
	goneAfter = 5000
	// audioJoinDistance is how far apart viewers can start in a stream without
	// picture, in milliseconds.
	audioJoinDistance = 1000
)

// Publisher is the one that sends to a stream. One goroutine uses it.
type Publisher struct {
	s    *stream
	info PublisherInfo

	// Guarded by the stream's mutex.
	err       error     // why it ended
	heardAt   time.Time // when it last sent something
	running   bool      // its tags go into the ring
	skipVideo bool      // a frame was lost: pictures until the next keyframe are useless
	heads     headers
	tracks    tracks // as it sends them
	video     videoFormat
	audio     audioFormat
	begun     bool // media came
	firstAt   time.Time
	firstTS   uint32 // timestamp of the first media tag
}

// WriteTag appends one tag to the stream. body is the RTMP payload, which is
// the body of an FLV tag; it is copied. timestamp is the publisher's own, in
// milliseconds. Errors: ErrTakenOver, ErrEnded.
func (p *Publisher) WriteTag(t TagType, timestamp uint32, body []byte) error {
	s, now := p.s, time.Now()
	c := &s.relay.counters
	s.mu.Lock()
	if p.err != nil {
		s.mu.Unlock()
		return p.err
	}
	p.heardAt = now
	c.tagsIn.Add(1)
	c.bytesIn.Add(uint64(len(body)))
	s.meter.received(now, t, len(body))
	why := p.write(now, t, timestamp, body)
	p.open(now, timestamp)
	r, waiting := s.ring, s.publish(now)
	s.mu.Unlock()
	s.wake(r, waiting)
	if why != relayed {
		c.drop(why)
	}
	return nil
}

// kick closes the connection. No lock may be held; p may be nil.
func (p *Publisher) kick() {
	if p != nil && p.info.Kick != nil {
		p.info.Kick()
	}
}

// ended returns why the stream is not the publisher's any more, or nil.
func (p *Publisher) ended() error {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return p.err
}

// Close ends the publisher; the grace starts, unless it was taken over.
func (p *Publisher) Close() { p.end(0) }

// TooFast ends the publisher as Close does, because it sends so many bit/s,
// more than MaxBitrate. Health says so for a while.
func (p *Publisher) TooFast(bitrate int) { p.end(bitrate) }

func (p *Publisher) end(tooFast int) {
	r, s := p.s.relay, p.s
	r.mu.Lock()
	defer r.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.err != nil {
		return
	}
	why := ErrEnded
	if tooFast > 0 {
		why = errTooFast
		r.counters.refuse(refusedBitrate)
		s.meter.tooFast, s.meter.tooFastAt = tooFast, time.Now()
	}
	s.detach(why)
	r.forget(s)
}

func (p *Publisher) write(now time.Time, t TagType, ts uint32, body []byte) dropReason {
	if len(body) == 0 {
		return dropMalformed
	}
	switch t {
	case TagScript:
		return p.script(now, body)
	case TagAudio:
		return p.sound(now, ts, body)
	case TagVideo:
		return p.picture(now, ts, body)
	}
	return dropMalformed
}

var (
	setDataFrameHead = []byte("\x02\x00\x0d@setDataFrame")
	metaDataHead     = []byte("\x02\x00\x0aonMetaData")
)

// script relays script data; metadata only when it has changed, as GStreamer
// repeats it all the time.
func (p *Publisher) script(now time.Time, body []byte) dropReason {
	body = bytes.TrimPrefix(body, setDataFrameHead)
	if len(body) == 0 {
		return dropMalformed
	}
	if len(body) > maxHeaderBody {
		return dropTooBig
	}
	if bytes.HasPrefix(body, metaDataHead) {
		if !keep(&p.heads.meta, body) {
			return dropRepeated
		}
		if !p.running {
			return relayed // with the first keyframe
		}
	}
	if !p.running {
		return dropBeforeKeyframe
	}
	return p.append(now, TagScript, p.s.timeline.now(), body)
}

func (p *Publisher) sound(now time.Time, ts uint32, body []byte) dropReason {
	info := classifyAudio(body)
	switch info.kind {
	case kindBad, kindCommand:
		return dropMalformed
	case kindEnd:
		return dropEnd
	case kindInfo:
		return dropInfo
	}
	p.setAudio(info.codec)
	if info.kind == kindHeader {
		if f, ok := parseAudioConfig(info.config); ok && info.codec.name == "AAC" {
			p.audio = f
		}
		return p.header(now, TagAudio, &p.heads.audio, p.running && p.tells(info.codec), body)
	}
	p.begin(now, ts)
	if info.codec.headers && p.heads.audio == nil {
		return dropNoHeader
	}
	if !info.codec.headers && !info.codec.enhanced {
		p.audio = legacyAudioFormat(body[0])
	}
	if p.joinsAtSound(now, ts) {
		return p.join(now, TagAudio, ts, tracks{audio: info.codec}, body)
	}
	if !p.running {
		return dropBeforeKeyframe
	}
	if !p.tells(info.codec) {
		p.s.meter.sound = p.s.timeline.out // so it is not silent
		return dropTrack
	}
	out := p.s.timeline.next(audioTrack, ts)
	p.s.meter.sound = int64(out)
	return p.append(now, TagAudio, out, body)
}

// tells tells whether viewers know of sound with this codec. Until the stream
// is open they can still be told.
func (p *Publisher) tells(c codec) bool {
	r := p.s.ring
	if !r.open && r.tracks.audio.name == "" {
		r.tracks.audio = c
	}
	return r.tracks.audio == c
}

// joinsAtSound tells whether viewers can start at the sound that comes now:
// only where there is no picture.
func (p *Publisher) joinsAtSound(now time.Time, ts uint32) bool {
	if !p.running {
		return p.tracks.video.name == "" && p.waited(now, ts)
	}
	r := p.s.ring
	if r.tracks.video.name != "" {
		return false
	}
	n := len(r.joins)
	return n == 0 || r.tracks.audio != p.tracks.audio || p.s.timeline.now()-r.joins[n-1].ts >= audioJoinDistance
}

func (p *Publisher) picture(now time.Time, ts uint32, body []byte) dropReason {
	info := classifyVideo(body)
	switch info.kind {
	case kindBad, kindCommand:
		return dropMalformed
	case kindEnd:
		return dropEnd
	}
	p.setVideo(info.codec)
	same := info.codec == p.ringTracks().video
	switch info.kind {
	case kindInfo:
		return p.header(now, TagVideo, &p.heads.videoInfo, same, body)
	case kindHeader:
		if f, ok := parseAVCConfig(info.config); ok && info.codec.name == "H.264" {
			p.video = f
		}
		return p.header(now, TagVideo, &p.heads.video, same, body)
	}
	p.begin(now, ts)
	switch {
	case info.codec.headers && p.heads.video == nil:
		return dropNoHeader
	case !p.s.relay.fits(body):
		p.skipVideo = true
		return dropTooBig
	case info.kind == kindKeyframe:
		p.skipVideo = false
		return p.join(now, TagVideo, ts, p.tracksNow(), body)
	case !p.running || p.skipVideo:
		return dropBeforeKeyframe
	case !same:
		return dropTrack
	}
	out := p.s.timeline.next(videoTrack, ts)
	p.s.meter.picture(int64(out), false)
	return p.append(now, TagVideo, out, body)
}

// header keeps a sequence header for those who join, and relays it to those
// who watch when it is new and of a track that they were told of.
func (p *Publisher) header(now time.Time, t TagType, slot *[]byte, told bool, body []byte) dropReason {
	if len(body) > maxHeaderBody {
		return dropTooBig
	}
	switch changed := keep(slot, body); {
	case !p.running:
		return relayed // with the first keyframe
	case !told:
		return dropTrack
	case !changed:
		return dropRepeated
	}
	return p.append(now, t, p.s.timeline.now(), body)
}

func (p *Publisher) append(now time.Time, t TagType, out uint32, body []byte) dropReason {
	if !p.s.relay.fits(body) {
		return dropTooBig
	}
	p.s.ring.append(now, t, out, body)
	return relayed
}

func (p *Publisher) ringTracks() tracks {
	if p.s.ring == nil {
		return tracks{}
	}
	return p.s.ring.tracks
}

// setVideo notes the picture's codec; headers of another one are worthless.
func (p *Publisher) setVideo(c codec) {
	if p.tracks.video != c {
		p.tracks.video = c
		p.heads.video, p.heads.videoInfo, p.video = nil, nil, videoFormat{}
	}
}

func (p *Publisher) setAudio(c codec) {
	if p.tracks.audio != c {
		p.tracks.audio = c
		p.heads.audio, p.audio = nil, audioFormat{}
	}
}

func (p *Publisher) begin(now time.Time, ts uint32) {
	if !p.begun {
		p.begun, p.firstAt, p.firstTS = true, now, ts
	}
}
