package media

import (
	"slices"
	"time"
)

const (
	minBlock  = 16 << 10
	maxBlock  = 256 << 10
	batchSize = 512 << 10 // most bytes of one batch, unless one tag is bigger

	// maxJoins is how many join points are remembered. Viewers only ever use
	// the newest that they may see; the few before it are for those that
	// viewers may not see yet.
	maxJoins = 16
)

// position is a place between two tags of a ring. Tags are numbered from 0 on;
// seq is the number of the tag that follows.
type position struct {
	seq   uint64
	block uint64 // number of the block
	off   int    // bytes into the block
}

// block holds consecutive tags, header and trailer included, exactly as they
// go to a viewer. What was written never changes, and buf never moves: slices
// of it are handed out while the writer appends behind them.
type block struct {
	num    uint64
	first  uint64 // seq of its first tag
	tags   uint64
	buf    []byte
	opened time.Time // arrival of its first tag
	last   time.Time // arrival of its latest tag
}

// joinPoint is a tag that a viewer can start at: a keyframe, or in a stream
// without picture some audio tag.
type joinPoint struct {
	at    position
	ts    uint32
	heads headers

	// Made when the first viewer needs them.
	opening []byte // for one that begins here
	preface []byte // for one that jumps here
}

// ring is the byte- and age-bounded log of one stream's tags, shared by all its
// viewers. Only whole blocks are dropped, the oldest first; a block lives on
// for as long as a viewer still writes from it. The stream's mutex guards it.
type ring struct {
	maxBytes int
	maxAge   time.Duration

	blocks   []*block // oldest first, numbers without holes
	size     int      // sum of the blocks' capacities
	blockCap int      // capacity of the next block
	joins    []*joinPoint
	end      position // behind the latest tag
	visible  position // how far viewers read; behind end while wake-ups are joined

	tracks tracks // what its tags are; settled once it is open
	open   bool   // viewers can join
	closed bool   // no tag follows

	batch    int  // bytes of the latest that became visible at once
	waiting  line // viewers that have all that is visible
	lastWake time.Time
	timer    *time.Timer // of the next wake-up; nil before the first that was put off
	armed    bool        // the timer runs
}

func newRing(maxBytes int, maxAge time.Duration) *ring {
	return &ring{maxBytes: maxBytes, maxAge: maxAge, blockCap: 64 << 10}
}

// append adds one tag that fits and returns its position.
func (r *ring) append(now time.Time, t TagType, ts uint32, body []byte) position {
	need := len(body) + tagOverhead
	r.expire(now)
	b := r.last()
	if b == nil || cap(b.buf)-len(b.buf) < max(need, r.ahead()) || now.Sub(b.opened) >= r.span() {
		b = r.grow(now, need)
	}
	at := position{seq: r.end.seq, block: b.num, off: len(b.buf)}
	r.trim(at)
	b.buf = appendTag(b.buf, t, ts, body)
	b.tags++
	b.last = now
	r.end = position{seq: at.seq + 1, block: b.num, off: len(b.buf)}
	return at
}

// span is how long one block collects: short against the age that is kept, so
// that dropping whole blocks keeps close to it.
func (r *ring) span() time.Duration { return r.maxAge / 16 }

// ahead is how much room the last block should have for the tag to come: where
// a batch begins, for one as large as the latest, because what lies in one
// block goes out in one write. For that a quarter may be left unused.
func (r *ring) ahead() int {
	if b := r.last(); b != nil && r.visible == r.end {
		return min(r.batch, cap(b.buf)/4)
	}
	return 0
}

func (r *ring) last() *block {
	if len(r.blocks) == 0 {
		return nil
	}
	return r.blocks[len(r.blocks)-1]
}

// grow begins a new block. Its capacity follows the stream's rate, so that a
// quiet stream costs little and a busy one goes out in few, large slices.
func (r *ring) grow(now time.Time, need int) *block {
	num := uint64(0)
	if b := r.last(); b != nil {
		num = b.num + 1
		switch age := now.Sub(b.opened); {
		case age < r.span()/2:
			r.blockCap *= 2
		case len(b.buf) < cap(b.buf)/2:
			r.blockCap /= 2
		}
	} else if r.end.seq > 0 {
		num = r.end.block + 1
	}
	r.blockCap = max(min(r.blockCap, maxBlock, r.maxBytes/8), min(minBlock, r.maxBytes/8))
	size := max(r.blockCap, need)
	for len(r.blocks) > 0 && r.size+size > r.maxBytes {
		r.dropBlock()
	}
	b := &block{num: num, first: r.end.seq, buf: make([]byte, 0, size), opened: now}
	r.blocks = append(r.blocks, b)
	r.size += size
	return b
}

// expire drops what is older than the ring keeps.
func (r *ring) expire(now time.Time) {
	for len(r.blocks) > 0 && now.Sub(r.blocks[0].last) > r.maxAge {
		r.dropBlock()
	}
}

func (r *ring) dropBlock() {
	r.size -= cap(r.blocks[0].buf)
	r.blocks[0] = nil
	r.blocks = r.blocks[1:]
}

// trim forgets join points whose tags are gone and keeps visible inside the
// ring; next is where the next tag goes.
func (r *ring) trim(next position) {
	tail := position{seq: r.blocks[0].first, block: r.blocks[0].num}
	for len(r.joins) > 0 && r.joins[0].at.seq < tail.seq {
		r.joins = slices.Delete(r.joins, 0, 1)
	}
	if r.visible.seq <= tail.seq {
		r.visible = tail
	} else if r.visible.seq == next.seq {
		r.visible = next
	}
}

// holds tells whether the tag that follows p is in the ring, or is the one
// that comes next; it also moves a p at the end of a dropped block.
func (r *ring) holds(p *position) bool {
	if p.seq == r.end.seq {
		return true
	}
	tail := r.blocks[0]
	if p.seq < tail.first {
		return false
	}
	if p.block < tail.num {
		*p = position{seq: tail.first, block: tail.num}
	}
	return true
}

// latestJoin returns the newest join point that viewers may see, or nil.
func (r *ring) latestJoin() *joinPoint {
	for i := len(r.joins) - 1; i >= 0; i-- {
		if r.joins[i].at.seq < r.visible.seq {
			return r.joins[i]
		}
	}
	return nil
}

// read appends to bufs what follows p, in slices as large as can be, and
// returns the position behind it. holds(p) must be true.
func (r *ring) read(p position, bufs [][]byte) ([][]byte, position) {
	total := 0
	for p.seq < r.visible.seq {
		b := r.blocks[p.block-r.blocks[0].num]
		to, next := len(b.buf), position{seq: b.first + b.tags, block: b.num + 1}
		if b.num == r.visible.block {
			to, next = r.visible.off, r.visible
		}
		if n := to - p.off; n > 0 {
			if total > 0 && total+n > batchSize {
				break
			}
			total += n
			bufs = append(bufs, b.buf[p.off:to:to])
		}
		p = next
	}
	return bufs, p
}

// addJoin remembers a join point.
func (r *ring) addJoin(j *joinPoint) {
	if len(r.joins) == maxJoins {
		r.joins = slices.Delete(r.joins, 0, 1)
	}
	r.joins = append(r.joins, j)
}

// prefaceOf returns the metadata and sequence headers of a join point as tags.
// To who begins there the metadata bear the time 0: FFmpeg, for one, takes
// what comes later for a track of text.
func (j *joinPoint) prefaceOf(begins bool) []byte {
	p, meta := &j.preface, j.ts
	if begins {
		p, meta = &j.opening, 0
	}
	if *p == nil {
		*p = j.heads.appendTags(make([]byte, 0, j.heads.size()), meta, j.ts)
	}
	return *p
}
