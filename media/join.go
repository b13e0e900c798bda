package media

import (
	"bytes"
	"time"
)

// cutDistance is the least time between two cuts of a stream: a publisher that
// changes its codecs all the time must not have viewers come and go with it.
const cutDistance = time.Second

// waited tells whether the publisher has had time to show all its tracks.
func (p *Publisher) waited(now time.Time, ts uint32) bool {
	return p.begun && (now.Sub(p.firstAt) >= settleTime ||
		int32(ts-p.firstTS) >= int32(settleTime/time.Millisecond))
}

// settled tells whether the stream's tracks are known.
func (p *Publisher) settled(now time.Time, ts uint32) bool {
	return p.tracks.video.name != "" && p.tracks.audio.name != "" || p.waited(now, ts)
}

// tracksNow says what a stream that begins with a keyframe now would consist
// of. Sound that is silent for long is taken to be gone.
func (p *Publisher) tracksNow() tracks {
	t := p.tracks
	switch {
	case t.audio.name == "" && !p.knownSilent():
		t.audio = p.ringTracks().audio
	case p.running && p.s.timeline.out-p.s.meter.sound > goneAfter:
		t.audio = codec{}
	}
	return t
}

// knownSilent tells whether a publisher that has shown no sound will have
// none: it says so in its metadata, or it has had time to show some. Players
// wait for sound that they know of, so they should hear soon that it is gone.
func (p *Publisher) knownSilent() bool {
	if p.running {
		return p.s.timeline.out-p.s.meter.began >= settleTime.Milliseconds()
	}
	return p.heads.meta != nil && !bytes.Contains(p.heads.meta, []byte("audiocodecid"))
}

// join appends a tag that viewers can start at. It is where a new publisher
// comes in, and where a change of tracks or codecs cuts the stream: players
// cannot follow such a change, so those who watch are ended and come again.
func (p *Publisher) join(now time.Time, t TagType, ts uint32, want tracks, body []byte) dropReason {
	s := p.s
	if !s.relay.fits(body) {
		return dropTooBig
	}
	worn := s.timeline.out >= maxOutput
	if r := s.ring; r != nil && (worn || r.tracks != want) {
		if now.Sub(s.cutAt) < cutDistance {
			return dropTrack
		}
		s.cutAt = now
		s.dropRing()
	}
	if worn {
		s.timeline.reset()
	}
	if s.ring == nil {
		s.ring = newRing(s.relay.options.RingBytes, s.relay.options.RingAge)
		s.ring.tracks = want
	}
	r := s.ring
	k := audioTrack
	if t == TagVideo {
		k = videoTrack
	}
	out := s.timeline.next(k, ts)
	heads := p.heads.of(r.tracks)
	if !p.running {
		p.resume(now, out, heads)
	}
	at := r.append(now, t, out, body)
	r.addJoin(&joinPoint{at: at, ts: out, heads: heads})
	if k == videoTrack {
		s.meter.picture(int64(out), true)
	} else {
		s.meter.sound = int64(out)
	}
	return relayed
}

// resume lets the publisher's tags in. Viewers of the one before, who simply
// go on, get the new headers in their place; whoever joins gets them anyway.
func (p *Publisher) resume(now time.Time, out uint32, heads headers) {
	s := p.s
	p.running = true
	s.stopGrace()
	s.meter.resumed(int64(out))
	if s.ring.end.seq > 0 {
		heads.each(func(t TagType, body []byte) { p.append(now, t, out, body) })
	}
}

// open lets viewers in once it is known what the stream consists of, as the
// FLV header has to say it.
func (p *Publisher) open(now time.Time, ts uint32) {
	s := p.s
	if !p.running {
		return
	}
	if r := s.ring; !r.open && len(r.joins) > 0 && p.settled(now, ts) {
		r.open = true
		if s.meter.since.IsZero() {
			s.meter.since = now
		}
	}
	s.tell()
}
