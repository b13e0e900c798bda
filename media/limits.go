package media

import (
	"fmt"
	"time"
)

// refusal says which limit refused a viewer or a publisher.
type refusal int

const (
	refusedBitrate    refusal = iota // a publisher sent more than MaxBitrate
	refusedPublishers                // MaxPublishers
	refusedTakeovers                 // too many in a short time: ErrBusy
	refusedShow                      // MaxShowViewers
	refusedViewers                   // MaxViewers
	refusals
)

var refusalNames = [refusals]string{"bitrate", "publishers", "takeovers", "viewers-per-show", "viewers"}

func (c *counters) refuse(why refusal) { c.refused[why].Add(1) }

// seat takes a place in all for one more viewer of a stream that has some
// already. The limits hold however many come at once: the caller holds the
// stream's lock, and the places in all are counted in one step.
func (r *Relay) seat(there int) error {
	c := &r.counters
	if there >= r.options.MaxShowViewers {
		c.refuse(refusedShow)
		return ErrLimit
	}
	for {
		n := c.viewers.Load()
		if n >= int64(r.options.MaxViewers) {
			c.refuse(refusedViewers)
			return ErrLimit
		}
		if c.viewers.CompareAndSwap(n, n+1) {
			return nil
		}
	}
}

// Full reports whether Join would return ErrLimit now. It takes no place.
func (r *Relay) Full(gigID, viewerID string) (full bool) {
	r.look(gigID, func(s *stream) {
		full = s.byID[viewerID] == nil && (len(s.viewers) >= r.options.MaxShowViewers ||
			r.counters.viewers.Load() >= int64(r.options.MaxViewers))
	})
	return full
}

// defaultBitrate is the limit of one publisher, in bit/s, unless another is set.
const defaultBitrate = 20_000_000

// aheadSpan is how far ahead of its bitrate limit a publisher may be, in time
// of the limit: bursts pass, such as keyframes and what an encoder kept while
// its line was broken. aheadLeast bytes may always be: no single message is
// too fast.
const (
	aheadSpan  = 5 * time.Second
	aheadLeast = maxMessage
)

// allowance is how far ahead of its bitrate limit a publisher is. One
// goroutine uses it.
type allowance struct {
	limit int       // bit/s
	ahead float64   // bytes more than the limit lets through
	at    time.Time // as of when
	since time.Time // it has been ahead since,
	sum   int       // and so many bytes came from then on
}

// take notes n bytes at now. It returns 0, or the bit/s since the publisher
// got ahead of the limit when it is too far.
func (a *allowance) take(now time.Time, n int) (over int) {
	rate := float64(a.limit) / 8
	a.ahead -= rate * now.Sub(a.at).Seconds()
	a.at = now
	if a.ahead <= 0 {
		a.ahead, a.since, a.sum = 0, now, 0
	}
	a.ahead += float64(n)
	a.sum += n
	if a.ahead <= max(rate*aheadSpan.Seconds(), aheadLeast) {
		return 0
	}
	// What came within less than a second did not come at the rate of a moment.
	return int(float64(a.sum) * 8 / max(now.Sub(a.since).Seconds(), 1))
}

// textTooFast tells a creator that the encoder sends too much, in Mbit/s
// rounded up: what is over the limit must not read like the limit itself.
func textTooFast(over, limit int) string {
	const mega = 1_000_000
	return fmt.Sprintf("Your encoder sends %d Mbit/s; this server takes %d. In OBS open Settings, then Output, and lower the Video Bitrate.",
		(over+mega-1)/mega, limit/mega)
}
