package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// errClip means that what should be an FLV file is none.
var errClip = errors.New("media: not an FLV file")

// clip is an FLV file to be pushed.
type clip struct {
	tags   []clipTag     // timestamps from 0
	length time.Duration // from its first tag to the first of a repetition
}

// clipTag is one tag of a clip.
type clipTag struct {
	kind      TagType
	timestamp uint32 // milliseconds
	body      []byte
}

// endOfSequence tells whether the tag says that no more video follows.
func (t clipTag) endOfSequence() bool {
	return t.kind == TagVideo && len(t.body) > 1 && t.body[0]&0x0f == 7 && t.body[1] == 2
}

// readClip reads an FLV file (FLV specification 10.1, annex E).
func readClip(flv []byte) (*clip, error) {
	if len(flv) < 13 || !bytes.HasPrefix(flv, []byte("FLV\x01")) {
		return nil, fmt.Errorf("%w: no header", errClip)
	}
	head := binary.BigEndian.Uint32(flv[5:])
	if head < 9 || uint64(head)+4 > uint64(len(flv)) {
		return nil, fmt.Errorf("%w: header of a wrong size", errClip)
	}
	c := new(clip)
	for b := flv[head+4:]; len(b) > 0; {
		if len(b) < tagOverhead {
			return nil, fmt.Errorf("%w: tag cut short", errClip)
		}
		n := int(uint24(b[1:]))
		if len(b) < n+tagOverhead {
			return nil, fmt.Errorf("%w: tag cut short", errClip)
		}
		if n > 0 {
			c.tags = append(c.tags, clipTag{TagType(b[0]), uint24(b[4:]) | uint32(b[7])<<24, b[11 : 11+n]})
		}
		b = b[n+tagOverhead:]
	}
	if err := c.measure(); err != nil {
		return nil, err
	}
	return c, nil
}

// measure makes the timestamps begin at 0 and finds the length: a clip lasts
// until its last tag of any kind ends, which is as long as those of its kind
// before it are on average.
func (c *clip) measure() error {
	if len(c.tags) == 0 {
		return fmt.Errorf("%w: no tags", errClip)
	}
	origin := c.tags[0].timestamp
	first := make(map[TagType]uint32)
	last := make(map[TagType]uint32)
	count := make(map[TagType]uint32)
	for i := range c.tags {
		t := &c.tags[i]
		t.timestamp -= origin
		if t.kind == TagScript || t.endOfSequence() {
			continue
		}
		if count[t.kind] == 0 {
			first[t.kind] = t.timestamp
		}
		last[t.kind] = t.timestamp
		count[t.kind]++
	}
	for kind, n := range count {
		if n > 1 {
			end := last[kind] + (last[kind]-first[kind])/(n-1)
			c.length = max(c.length, time.Duration(end)*time.Millisecond)
		}
	}
	if c.length == 0 {
		return fmt.Errorf("%w: nothing to play", errClip)
	}
	return nil
}
