package media

import "sync/atomic"

// dropReason says why a tag was not relayed, or not to one viewer.
type dropReason int

const (
	relayed            dropReason = iota - 1 // not dropped
	dropBeforeKeyframe                       // nothing to decode it with yet
	dropNoHeader                             // its codec needs a sequence header that never came
	dropTrack                                // a track that viewers were not told of; at the next keyframe they are
	dropEnd                                  // end of sequence, fatal for a later resume
	dropRepeated                             // metadata or header sent again unchanged
	dropInfo                                 // channel layouts of Enhanced RTMP, which no player needs
	dropMalformed
	dropTooBig
	dropSlowViewer // passed over when a viewer jumped to a keyframe
	dropReasons
)

var dropNames = [dropReasons]string{
	"before-keyframe", "no-header", "unannounced-track", "end-of-sequence",
	"repeated", "channel-layout", "malformed", "too-big", "slow-viewer",
}

// counters are the relay's sums since the start.
type counters struct {
	bytesIn, bytesOut, tagsIn atomic.Uint64
	dropped                   [dropReasons]atomic.Uint64
	refused                   [refusals]atomic.Uint64
	publishers, viewers       atomic.Int64
}

func (c *counters) drop(why dropReason) { c.dropped[why].Add(1) }
