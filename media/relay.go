package media

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
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

	MaxBitrate     int // bit/s that one publisher may send for long, see allowance; 20,000,000
	MaxPublishers  int // streams at once that have a publisher or wait for it; 100
	MaxViewers     int // in all; 8000
	MaxShowViewers int // of one stream; 5000
}

// Relay holds all streams of this node.
type Relay struct {
	options  RelayOptions
	counters counters
	notifier *notifier
	timers   sync.WaitGroup // pending timers, and goroutines that serve viewers

	mu      sync.RWMutex
	streams map[string]*stream
	closed  bool
}

// NewRelay starts a relay. Shutdown stops it.
func NewRelay(o RelayOptions) *Relay {
	if o.Grace <= 0 {
		o.Grace = 60 * time.Second
	}
	if o.RingBytes <= 0 {
		o.RingBytes = 32 << 20
	}
	if o.RingAge <= 0 {
		o.RingAge = 20 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	o.MaxBitrate = cmp.Or(o.MaxBitrate, defaultBitrate)
	o.MaxPublishers = cmp.Or(o.MaxPublishers, 100)
	o.MaxViewers = cmp.Or(o.MaxViewers, 8000)
	o.MaxShowViewers = cmp.Or(o.MaxShowViewers, 5000)
	return &Relay{options: o, notifier: newNotifier(o.Logger), streams: map[string]*stream{}}
}

// Observe sets the one observer. Call it before the first Publish.
func (r *Relay) Observe(o Observer) { r.notifier.observe(o) }

// State returns the state of the gig's stream.
func (r *Relay) State(gigID string) State {
	state := StateIdle
	r.look(gigID, func(s *stream) { state = s.state })
	return state
}

// Live returns the number of viewers of every stream that is live or
// reconnecting, by gig id.
func (r *Relay) Live() map[string]int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	live := make(map[string]int, len(r.streams))
	for id, s := range r.streams {
		s.mu.Lock()
		if s.state != StateIdle {
			live[id] = len(s.viewers)
		}
		s.mu.Unlock()
	}
	return live
}

// Viewers returns how many viewers the gig's stream has now.
func (r *Relay) Viewers(gigID string) (n int) {
	r.look(gigID, func(s *stream) { n = len(s.viewers) })
	return n
}

// Health describes the gig's incoming stream; ok is false when nobody
// publishes and no grace runs. A publisher that has sent nothing that viewers
// could start at is described too, with StateIdle.
func (r *Relay) Health(gigID string) (h Health, ok bool) {
	r.look(gigID, func(s *stream) { h, ok = s.health(time.Now()), true })
	return h, ok
}

// look calls f with the gig's stream locked, if there is one.
func (r *Relay) look(gigID string, f func(s *stream)) {
	r.mu.RLock()
	s := r.streams[gigID]
	r.mu.RUnlock()
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

// Join subscribes to the gig's stream. viewerID, when not empty, is what one
// player sends with each of its connections: a newer connection replaces an
// older one, and takes its place in a full house. The caller calls Viewer.Close. Errors: ErrNotLive, ErrLimit.
func (r *Relay) Join(gigID, viewerID string) (*Viewer, error) {
	r.mu.RLock()
	s := r.streams[gigID]
	r.mu.RUnlock()
	if s == nil {
		return nil, ErrNotLive
	}
	return s.join(viewerID)
}

// Publish makes p the publisher of the gig's stream; the newest wins and the
// one before is kicked. A stream whose publisher is away keeps its place until
// the grace is over, so whoever comes back is never over the limit. Errors:
// ErrBusy, ErrLimit, and ErrEnded after Shutdown.
func (r *Relay) Publish(gigID string, p PublisherInfo) (*Publisher, error) {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil, ErrEnded
	}
	s := r.streams[gigID]
	if s == nil {
		if len(r.streams) >= r.options.MaxPublishers {
			r.mu.Unlock()
			r.counters.refuse(refusedPublishers)
			return nil, ErrLimit
		}
		s = newStream(r, gigID)
		r.streams[gigID] = s
	}
	s.mu.Lock()
	pub := &Publisher{s: s, info: p}
	old, err := s.attach(pub, time.Now())
	s.mu.Unlock()
	r.mu.Unlock()
	if err != nil {
		r.counters.refuse(refusedTakeovers)
		return nil, err
	}
	old.kick()
	return pub, nil
}

// Kick drops the gig's publisher, as after a rotation of the key; the grace
// starts, viewers stay.
func (r *Relay) Kick(gigID string) {
	r.drop(gigID, func(s *stream) *Publisher {
		p := s.pub
		s.detach(ErrEnded)
		return p
	})
}

// End ends the gig's stream at once: the publisher is dropped and every
// viewer's Next returns io.EOF.
func (r *Relay) End(gigID string) { r.drop(gigID, (*stream).end) }

// drop calls f with the gig's stream locked and kicks the publisher that it
// returns once no lock is held.
func (r *Relay) drop(gigID string, f func(s *stream) *Publisher) {
	r.mu.Lock()
	s := r.streams[gigID]
	if s == nil {
		r.mu.Unlock()
		return
	}
	s.mu.Lock()
	p := f(s)
	r.forget(s)
	s.mu.Unlock()
	r.mu.Unlock()
	p.kick()
}

// forget removes a stream that has neither publisher nor show. The caller
// holds r.mu and s.mu.
func (r *Relay) forget(s *stream) {
	if s.pub == nil && s.grace == nil && r.streams[s.gigID] == s {
		s.ended = true
		delete(r.streams, s.gigID)
	}
}

// fits tells whether a tag's body is small enough to be relayed.
func (r *Relay) fits(body []byte) bool {
	return len(body) <= maxTagBody && len(body)+tagOverhead <= r.options.RingBytes/2
}

// after calls f in its own goroutine after d; Shutdown waits for it. cancel
// stops it.
func (r *Relay) after(d time.Duration, f func()) *time.Timer {
	r.timers.Add(1)
	return time.AfterFunc(d, func() {
		defer r.timers.Done()
		f()
	})
}

func (r *Relay) cancel(t *time.Timer) {
	if t != nil && t.Stop() {
		r.timers.Done()
	}
}

// Stats returns counters since the start and present numbers.
func (r *Relay) Stats() Stats {
	c := &r.counters
	s := Stats{
		Publishers: int(c.publishers.Load()), Viewers: int(c.viewers.Load()),
		BytesIn: c.bytesIn.Load(), BytesOut: c.bytesOut.Load(), TagsIn: c.tagsIn.Load(),
		TagsDropped: make(map[string]uint64, dropReasons), Refused: make(map[string]uint64, refusals),
	}
	for i, name := range dropNames {
		s.TagsDropped[name] = c.dropped[i].Load()
	}
	for i, name := range refusalNames {
		s.Refused[name] = c.refused[i].Load()
	}
	return s
}

// Shutdown ends all streams cleanly and waits for the relay's goroutines, or
// for ctx.
func (r *Relay) Shutdown(ctx context.Context) error {
	r.mu.Lock()
	var kicked []*Publisher
	for id, s := range r.streams {
		s.mu.Lock()
		kicked = append(kicked, s.end())
		s.mu.Unlock()
		delete(r.streams, id)
	}
	r.closed = true
	r.mu.Unlock()
	for _, p := range kicked {
		p.kick()
	}
	r.notifier.close()
	done := make(chan struct{})
	go func() {
		r.timers.Wait()
		<-r.notifier.done
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

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

// Stats are the relay's figures for /metrics.
type Stats struct {
	Publishers  int               // connected now
	Viewers     int               // connected now
	BytesIn     uint64            // of tags from publishers, since the start
	BytesOut    uint64            // handed to viewers, since the start
	TagsIn      uint64            // since the start
	TagsDropped map[string]uint64 // by reason, since the start
	Refused     map[string]uint64 // publishers and viewers, by the limit that was reached, since the start
}
