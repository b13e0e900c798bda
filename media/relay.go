package media

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// State says what a gig's stream is doing on this node.
type State string

const (
	// StateIdle means that nobody publishes and no grace runs.
	StateIdle State = "idle"
	// StateLive means that a publisher sends and viewers can join: the
	// sequence headers and a keyframe (or sound, where there is no picture)
	// are in the ring.
	StateLive State = "live"
	// StateReconnecting means that the publisher is gone and the grace runs.
	StateReconnecting State = "reconnecting"
)

var (
	// ErrNotLive means that the gig has no stream that a viewer could join.
	ErrNotLive = errors.New("media: nothing is live")
	// ErrTakenOver ends a publisher when a newer one came with the same key.
	ErrTakenOver = errors.New("media: a newer publisher took over")
	// ErrBusy refuses a publisher: too many takeovers in a short time.
	ErrBusy = errors.New("media: too many takeovers")
	// ErrEnded ends a publisher whose stream was ended or kicked.
	ErrEnded = errors.New("media: the stream was ended")
	// ErrReplaced ends a viewer when the same viewer opened a newer connection.
	ErrReplaced = errors.New("media: the viewer opened a newer connection")
	// ErrLimit refuses a viewer or publisher over a configured limit.
	ErrLimit = errors.New("media: limit reached")
)

// Observer is told of a stream's changes of state. Calls come from one
// goroutine of the relay, in order for each gig; changes that follow fast may
// be joined into the latest one. A slow observer delays no media.
type Observer interface {
	StreamChanged(gigID string, s State)
}

// RelayOptions configures a Relay. Zero values mean the defaults named.
type RelayOptions struct {
	Grace     time.Duration // how long a stream waits for its publisher; 60 s
	RingBytes int           // most bytes of tags kept per stream; 32 MiB
	RingAge   time.Duration // most time kept per stream; 20 s
	Logger    *slog.Logger  // slog.Default()
}

// Relay holds all streams of this node.
type Relay struct{}

// NewRelay starts a relay. Shutdown stops it.
func NewRelay(o RelayOptions) *Relay { panic("not built yet") }

// Observe sets the one observer. Call it before the first Publish.
func (r *Relay) Observe(o Observer) {}

// State returns the state of the gig's stream.
func (r *Relay) State(gigID string) State { return StateIdle }

// Live returns the number of viewers of every stream that is live or
// reconnecting, by gig id.
func (r *Relay) Live() map[string]int { return nil }

// Viewers returns how many viewers the gig's stream has now.
func (r *Relay) Viewers(gigID string) int { return 0 }

// Health describes the gig's incoming stream; ok is false when it is idle.
func (r *Relay) Health(gigID string) (h Health, ok bool) { return Health{}, false }

// Join subscribes to the gig's stream. viewerID, when not empty, is what one
// player sends with each of its connections: a newer connection replaces an
// older one. The caller calls Viewer.Close. Errors: ErrNotLive, ErrLimit.
func (r *Relay) Join(gigID, viewerID string) (*Viewer, error) { return nil, ErrNotLive }

// Publish makes p the publisher of the gig's stream; the newest wins and the
// one before is kicked. Errors: ErrBusy, ErrLimit.
func (r *Relay) Publish(gigID string, p PublisherInfo) (*Publisher, error) { return nil, ErrBusy }

// Kick drops the gig's publisher, as after a rotation of the key; the grace
// starts, viewers stay.
func (r *Relay) Kick(gigID string) {}

// End ends the gig's stream at once: the publisher is dropped and every
// viewer's Next returns io.EOF.
func (r *Relay) End(gigID string) {}

// Stats returns counters since the start and present numbers.
func (r *Relay) Stats() Stats { return Stats{} }

// Shutdown ends all streams cleanly and waits for the relay's goroutines, or
// for ctx.
func (r *Relay) Shutdown(ctx context.Context) error { return nil }

// PublisherInfo describes a publishing connection.
type PublisherInfo struct {
	Addr string // remote address, as the studio shows it
	Kick func() // closes the connection; must not block, may be called twice
}

// TagType is the FLV tag type, as in the FLV specification 10.1, E.4.1.
type TagType byte

// The tag types that are relayed.
const (
	TagAudio  TagType = 8
	TagVideo  TagType = 9
	TagScript TagType = 18
)

// Publisher is the one that sends to a stream. One goroutine uses it.
type Publisher struct{}

// WriteTag appends one tag to the stream. body is the RTMP payload, which is
// the body of an FLV tag; it is copied. timestamp is the publisher's own, in
// milliseconds. Errors: ErrTakenOver, ErrEnded.
func (p *Publisher) WriteTag(t TagType, timestamp uint32, body []byte) error { return nil }

// Close ends the publisher; the grace starts, unless it was taken over.
func (p *Publisher) Close() {}

// Viewer is one subscriber: a cursor into the ring. One goroutine uses it.
type Viewer struct{}

// Next waits until something is to be written and returns it, at most about
// 512 KiB: first the FLV header, the metadata, the sequence headers and a
// keyframe, then whatever came since. The slices are shared by all viewers and
// never change; the list itself is reused by the following call. Errors:
// io.EOF at the end of the stream, ErrReplaced, ctx.Err().
func (v *Viewer) Next(ctx context.Context) (bufs [][]byte, err error) { return nil, ErrNotLive }

// Close ends the subscription.
func (v *Viewer) Close() {}

// Stats are the relay's figures for /metrics.
type Stats struct {
	Publishers  int               // connected now
	Viewers     int               // connected now
	BytesIn     uint64            // of tags from publishers, since the start
	BytesOut    uint64            // handed to viewers, since the start
	TagsIn      uint64            // since the start
	TagsDropped map[string]uint64 // by reason, since the start
}

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
)

// Health is what the studio shows of an incoming stream.
type Health struct {
	State            State
	PublisherAddr    string        // remote address of the publisher, empty while reconnecting
	Since            time.Time     // when the stream went live first
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
}
