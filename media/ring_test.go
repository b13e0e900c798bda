package media

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"
)

// contents reads everything that a cursor at p sees.
func contents(r *ring, p position) (tags []flvTag, end position, err error) {
	f := &flvStream{buf: flvHeader(true, true)}
	for {
		var bufs [][]byte
		bufs, p = r.read(p, nil)
		if len(bufs) == 0 {
			return f.Tags, p, f.feed(nil)
		}
		if err := f.feed(bufs); err != nil {
			return nil, p, err
		}
	}
}

// numbered returns an audio body that carries n, with room for size bytes.
func numbered(n uint64, size int) []byte {
	return binary.BigEndian.AppendUint64(append(make([]byte, 0, size+10), 0xaf, 1), n)
}

// A ring stays within its bytes and its age whatever comes, and what it holds
// is always a run of whole tags without a hole.
func TestRingIsBounded(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, limit := range []int{64 << 10, 1 << 20, 8 << 20} {
		const age = 20 * time.Second
		r := newRing(limit, age)
		now := time.Unix(0, 0)
		for n := range uint64(20_000) {
			size := 10 + rnd.IntN(3000)
			if rnd.IntN(200) == 0 {
				size = rnd.IntN(limit / 2)
			}
			size = min(size, limit/2-tagOverhead)
			gap := time.Duration(rnd.IntN(20)) * time.Millisecond
			if rnd.IntN(5000) == 0 {
				gap = 30 * time.Second
			}
			now = now.Add(gap)
			body := append(numbered(n, size), make([]byte, size-min(size, 10))...)
			r.append(now, TagAudio, uint32(n), body)
			r.show(now)
			sum := 0
			for _, b := range r.blocks {
				sum += cap(b.buf)
			}
			if sum != r.size || sum > limit {
				t.Fatalf("tag %d: %d bytes held, %d counted, limit %d", n, sum, r.size, limit)
			}
			if old := now.Sub(r.blocks[0].opened); old > age+2*r.span()+30*time.Second {
				t.Fatalf("tag %d: oldest tag is %v old", n, old)
			}
			if n%500 == 0 {
				tail := r.blocks[0]
				tags, end, err := contents(r, position{seq: tail.first, block: tail.num})
				if err != nil || end.seq != n+1 || uint64(len(tags)) != n+1-tail.first {
					t.Fatalf("tag %d: read %d tags from %d to %d: %v", n, len(tags), tail.first, end.seq, err)
				}
				for i, tag := range tags {
					if got := binary.BigEndian.Uint64(tag.Body[2:]); got != tail.first+uint64(i) {
						t.Fatalf("tag %d is %d", tail.first+uint64(i), got)
					}
				}
			}
		}
	}
}

func TestRingAge(t *testing.T) {
	r := newRing(32<<20, 20*time.Second)
	now := time.Unix(0, 0)
	for range 100 * 50 { // 100 s, 50 tags a second
		now = now.Add(20 * time.Millisecond)
		r.append(now, TagAudio, 0, sound(100))
		if old := now.Sub(r.blocks[0].opened); old > 22*time.Second {
			t.Fatalf("oldest tag is %v old", old)
		}
	}
	if old := now.Sub(r.blocks[0].opened); old < 20*time.Second {
		t.Errorf("only %v are kept", old)
	}
	if r.size > 320<<10 {
		t.Errorf("a quiet stream takes %d bytes", r.size)
	}
}

// A cursor at the live edge stays valid when everything behind it is dropped.
func TestRingEdgeCursor(t *testing.T) {
	r := newRing(1<<20, 20*time.Second)
	now := time.Unix(0, 0)
	r.append(now, TagAudio, 1, sound(10))
	r.show(now)
	_, p, _ := contents(r, position{})
	now = now.Add(time.Minute)
	r.append(now, TagAudio, 2, sound(10))
	r.show(now)
	if len(r.blocks) != 1 || r.blocks[0].num != 1 {
		t.Fatal("the old block was not dropped")
	}
	if !r.holds(&p) {
		t.Fatal("the cursor fell off though it missed nothing")
	}
	if tags, _, _ := contents(r, p); len(tags) != 1 || tags[0].TS != 2 {
		t.Fatalf("read %v", tags)
	}
	if lost := (position{}); r.holds(&lost) {
		t.Fatal("a cursor at the dropped tag is still valid")
	}
}

// What was handed out never changes, though the ring goes on and drops it.
func TestRingIsImmutable(t *testing.T) {
	r := newRing(64<<10, 20*time.Second)
	now := time.Unix(0, 0)
	for range 10 {
		r.append(now, TagAudio, 7, sound(100))
	}
	r.show(now)
	bufs, _ := r.read(position{}, nil)
	before := string(bufs[0])
	for range 10_000 {
		r.append(now, TagVideo, 9, key(200))
	}
	if string(bufs[0]) != before {
		t.Fatal("a slice changed after it was handed out")
	}
	if cap(bufs[0]) != len(bufs[0]) {
		t.Fatal("whoever appends to a slice would write into the ring")
	}
}

// Batches are few large slices, and bounded.
func TestRingBatches(t *testing.T) {
	r := newRing(32<<20, 20*time.Second)
	now := time.Unix(0, 0)
	for range 4000 {
		r.append(now, TagVideo, 0, inter(1000))
		now = now.Add(time.Millisecond)
	}
	r.append(now, TagVideo, 0, inter(2<<20))
	r.append(now, TagVideo, 0, inter(1000))
	r.show(now)
	var p position
	for p.seq < r.end.seq {
		var bufs [][]byte
		bufs, p = r.read(p, nil)
		total := 0
		for _, b := range bufs {
			total += len(b)
		}
		if len(bufs) > 8 || len(bufs) == 0 {
			t.Errorf("%d slices in a batch", len(bufs))
		}
		if total > batchSize && !(len(bufs) == 1 && total > 2<<20) {
			t.Errorf("batch of %d bytes", total)
		}
	}
}

// What becomes visible at once lies in one block nearly always, so that it goes
// out in one write.
func TestBatchesLieInOneBlock(t *testing.T) {
	r := newRing(32<<20, 20*time.Second)
	now := time.Unix(0, 0)
	batches, slices, waste := 0, 0, 0
	var p position
	for i := range 600 { // 20 s of 30 pictures a second, a keyframe every two seconds
		size := 10_000
		if i%60 == 0 {
			size = 60_000
		}
		r.append(now, TagVideo, 0, inter(size))
		now = now.Add(time.Second / 30)
		if i%3 != 2 {
			continue
		}
		r.show(now)
		var bufs [][]byte
		bufs, p = r.read(p, nil)
		batches, slices = batches+1, slices+len(bufs)
	}
	for _, b := range r.blocks[:len(r.blocks)-1] {
		waste += cap(b.buf) - len(b.buf)
	}
	if slices > batches*21/20 {
		t.Errorf("%d batches in %d slices", batches, slices)
	}
	if waste > r.size/5 {
		t.Errorf("%d of %d bytes are left unused", waste, r.size)
	}
}

func TestWakeInterval(t *testing.T) {
	for _, tc := range []struct {
		viewers int64
		want    time.Duration
	}{{0, 0}, {100, 0}, {190, 10 * time.Millisecond}, {550, 50 * time.Millisecond}, {1000, maxWait}, {100_000, maxWait}} {
		if got := wakeInterval(tc.viewers); got != tc.want {
			t.Errorf("%d viewers: %v, want %v", tc.viewers, got, tc.want)
		}
	}
}
