package media

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A viewer that falls behind jumps to the latest keyframe, headers first; one
// that keeps up loses nothing.
func TestSlowViewerJumps(t *testing.T) {
	r := testRelay(t, RelayOptions{RingBytes: 256 << 10})
	e := publish(t, r, "g").headers().frames(1)
	slow, quick := join(t, r, "g", ""), join(t, r, "g", "")
	slow.drain(t)
	quick.drain(t)
	before := len(slow.Tags)
	for range 30 {
		e.frames(25)
		quick.drain(t)
	}
	if want := 3 + 751*3; len(quick.Tags) != want {
		t.Errorf("the quick viewer got %d tags, want %d", len(quick.Tags), want)
	}
	slow.drain(t)
	for i, want := range []struct {
		t TagType
		k tagKind
	}{{TagScript, kindInfo}, {TagVideo, kindHeader}, {TagAudio, kindHeader}, {TagVideo, kindKeyframe}} {
		if tag := slow.Tags[before+i]; !tag.is(want.t, want.k) {
			t.Errorf("tag %d after the jump: type %d kind %d", i, tag.Type, tag.info().kind)
		}
	}
	missed := uint64(len(quick.Tags)-len(slow.Tags)) + 3
	if got := r.Stats().TagsDropped["slow-viewer"]; got != missed {
		t.Errorf("%d tags counted as dropped, want %d", got, missed)
	}
}

// With a GOP longer than the ring, those at the live edge go on; who falls off
// waits for the next keyframe.
func TestGOPLongerThanRing(t *testing.T) {
	r := testRelay(t, RelayOptions{RingBytes: 64 << 10})
	e := publish(t, r, "g").headers()
	e.gop = 1000
	e.frames(1)
	edge, slow := join(t, r, "g", ""), join(t, r, "g", "")
	edge.drain(t)
	slow.drain(t)
	for range 500 {
		e.frames(1)
		edge.drain(t)
	}
	if want := 3 + 501*3; len(edge.Tags) != want {
		t.Errorf("at the edge: %d tags, want %d", len(edge.Tags), want)
	}
	late := join(t, r, "g", "")
	n := len(slow.Tags)
	slow.drain(t)
	late.drain(t)
	if len(slow.Tags) != n || len(late.Tags) != 0 {
		t.Error("pictures without their keyframe went out")
	}
	if h, _ := r.Health("g"); !has(h, WarnNoKeyframe) || !has(h, WarnLongKeyframes) {
		t.Errorf("warnings %v", h.Warnings)
	}
	e.n = 0
	e.frames(2)
	slow.drain(t)
	late.drain(t)
	if len(slow.Tags) != n+3+6 || len(late.Tags) != 3+6 || !slow.Tags[n+3].is(TagVideo, kindKeyframe) {
		t.Errorf("after the keyframe: %d and %d tags", len(slow.Tags)-n, len(late.Tags))
	}
	if h, _ := r.Health("g"); has(h, WarnNoKeyframe) {
		t.Errorf("warnings %v", h.Warnings)
	}
}

// Viewers that stall in the same stretch share what they hold.
func TestStalledViewersShareMemory(t *testing.T) {
	const ringBytes, viewers = 4 << 20, 500
	r := testRelay(t, RelayOptions{RingBytes: ringBytes})
	e := publish(t, r, "g").headers().frames(100)
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	stalled := make([]*Viewer, viewers)
	for i := range stalled {
		stalled[i], _ = r.Join("g", "")
		defer stalled[i].Close()
		if bufs, err := stalled[i].Next(t.Context()); err != nil || len(bufs) == 0 {
			t.Fatal(err)
		}
	}
	body := inter(20_000)
	for i := range 3000 { // 60 MB go by
		if i%100 == 0 {
			e.write(TagVideo, e.ts, key(1000))
		}
		e.ts += 4
		e.write(TagVideo, e.ts, body)
		e.write(TagAudio, e.ts, sound(10))
	}
	if grown, limit := heap()-before, int64(ringBytes+batchSize+maxBlock+viewers*2<<10); grown > limit {
		t.Errorf("%d bytes for %d stalled viewers, want at most %d", grown, viewers, limit)
	}
	runtime.KeepAlive(stalled)
}

// Many viewers at once, each reading in its own goroutine as the server does:
// all get every tag, in order, and the end.
func TestManyViewers(t *testing.T) {
	r := testRelay(t, RelayOptions{})
	e := publish(t, r, "g").headers().frames(1)
	const viewers = 300
	var wg sync.WaitGroup
	errs := make(chan error, viewers)
	joined := make(chan struct{}, viewers)
	for range viewers {
		wg.Go(func() {
			v, err := r.Join("g", "")
			if err != nil {
				errs <- err
				joined <- struct{}{}
				return
			}
			defer v.Close()
			var f flvStream
			first := true
			for {
				bufs, err := v.Next(context.Background())
				if first {
					joined <- struct{}{}
					first = false
				}
				if err == io.EOF {
					if len(f.Tags) != 3+201*3 {
						errs <- errors.New("a viewer missed tags")
					}
					return
				}
				if err == nil {
					err = f.feed(bufs)
				}
				if err != nil {
					errs <- err
					return
				}
			}
		})
	}
	for range viewers {
		<-joined
	}
	if got := r.Viewers("g"); got != viewers {
		t.Errorf("%d viewers counted", got)
	}
	for range 200 {
		e.frames(1)
	}
	r.End("g")
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
	if got := r.Stats().Viewers; got != 0 {
		t.Errorf("%d viewers counted after all left", got)
	}
}

// A few viewers get every tag at once; a crowd gets what came within 100 ms,
// all the same batch.
func TestWakeUpsAreJoined(t *testing.T) {
	for _, tc := range []struct {
		viewers   int
		wakes     int // in 2 s of 25 pictures with two sounds each a second
		tolerance int
	}{{50, 150, 0}, {1000, 20, 2}} {
		bubble(t, func(t *testing.T) {
			r := testRelay(t, RelayOptions{})
			e := publish(t, r, "g").headers().frames(1)
			var counts sync.Map
			var wg sync.WaitGroup
			for i := range tc.viewers {
				wg.Go(func() {
					v, _ := r.Join("g", "")
					defer v.Close()
					n := 0
					for last := time.Now(); ; n++ {
						if _, err := v.Next(context.Background()); err != nil {
							counts.Store(i, n-1) // the first is the join
							return
						}
						if late := time.Since(last); late > maxWait+40*time.Millisecond {
							t.Errorf("waited %v", late)
						}
						last = time.Now()
					}
				})
			}
			synctest.Wait()
			for range 50 {
				step := func(d time.Duration) { time.Sleep(d); synctest.Wait() }
				step(14 * time.Millisecond)
				e.write(TagVideo, e.ts, inter(10))
				step(13 * time.Millisecond)
				e.write(TagAudio, e.ts+3, sound(10))
				step(13 * time.Millisecond)
				e.write(TagAudio, e.ts+23, sound(10))
				e.ts += 40
			}
			time.Sleep(maxWait)
			synctest.Wait()
			r.End("g")
			wg.Wait()
			counts.Range(func(_, n any) bool {
				if d := n.(int) - tc.wakes; d < -tc.tolerance || d > tc.tolerance {
					t.Errorf("%d viewers: %d wake-ups, want about %d", tc.viewers, n, tc.wakes)
					return false
				}
				return true
			})
		})
	}
}

func TestNextHonoursContext(t *testing.T) {
	r := testRelay(t, RelayOptions{})
	publish(t, r, "g").headers().frames(1)
	p := join(t, r, "g", "")
	p.drain(t)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() {
		_, err := p.v.Next(ctx)
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := p.v.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that is over: %v", err)
	}
}

// The same viewer's newer connection replaces the older one and counts once.
func TestReplacedViewer(t *testing.T) {
	r := testRelay(t, RelayOptions{})
	e := publish(t, r, "g").headers().frames(1)
	old := join(t, r, "g", "player-1")
	old.drain(t)
	done := make(chan error)
	go func() {
		_, err := old.v.Next(context.Background())
		done <- err
	}()
	other := join(t, r, "g", "player-2")
	newer := join(t, r, "g", "player-1")
	if err := <-done; err != ErrReplaced {
		t.Errorf("the old one: %v", err)
	}
	join(t, r, "g", "")
	join(t, r, "g", "")
	if got := r.Viewers("g"); got != 4 {
		t.Errorf("%d viewers, want 4", got)
	}
	old.v.Close() // must not take the newer one away
	old.v.Close()
	if got := r.Viewers("g"); got != 4 {
		t.Errorf("%d viewers after the old one closed, want 4", got)
	}
	e.frames(1)
	newer.more(t, 3+6)
	other.more(t, 3+6)
	newer.v.Close()
	if got, all := r.Viewers("g"), r.Stats().Viewers; got != 3 || all != 3 {
		t.Errorf("%d and %d viewers, want 3", got, all)
	}
	if h, _ := r.Health("g"); h.Peak != 4 || h.Viewers != 3 {
		t.Errorf("peak %d, viewers %d", h.Peak, h.Viewers)
	}
}

// Two gigs side by side share nothing.
func TestGigsAreApart(t *testing.T) {
	r := testRelay(t, RelayOptions{})
	a := publish(t, r, "a").headers().frames(1)
	publish(t, r, "b").headers().frames(1)
	pa, pb := join(t, r, "a", "same"), join(t, r, "b", "same")
	pa.drain(t)
	pb.drain(t)
	n := len(pb.Tags)
	a.frames(50)
	pa.drain(t)
	pb.drain(t)
	if len(pb.Tags) != n {
		t.Error("tags of one gig reached the other")
	}
	r.End("a")
	pa.wantEOF(t)
	wantState(t, r, "b", StateLive)
	if live := r.Live(); len(live) != 1 || live["b"] != 1 {
		t.Errorf("live: %v", live)
	}
}
