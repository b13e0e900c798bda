package media

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// spectator is a sink that checks what it gets. A busy one takes nothing
// at once every other time, and has a goroutine take it.
type spectator struct {
	flvStream
	v     *Viewer
	busy  bool
	turns int
	bytes int
	sent  []arrival
	fault error
	ends  atomic.Int32
	wg    *sync.WaitGroup // waits for End
}

// arrival says how many bytes were there at what time.
type arrival struct {
	bytes int
	at    time.Time
}

func (p *spectator) take(bufs [][]byte) {
	for _, b := range bufs {
		p.bytes += len(b)
	}
	p.sent = append(p.sent, arrival{p.bytes, time.Now()})
	if err := p.feed(bufs); err != nil && p.fault == nil {
		p.fault = err
	}
}

func (p *spectator) Send(bufs [][]byte) bool {
	p.turns++
	if p.busy && p.turns%2 == 0 {
		go func() {
			p.take(bufs)
			p.follow()
		}()
		return false
	}
	p.take(bufs)
	return true
}

// follow takes what is there and leaves the rest to the relay.
func (p *spectator) follow() {
	for {
		bufs, err := p.v.Follow(p)
		if err != nil {
			p.End()
			return
		}
		if len(bufs) == 0 {
			return
		}
		p.take(bufs)
	}
}

func (p *spectator) Cut() {}

func (p *spectator) End() {
	p.ends.Add(1)
	p.v.Close()
	p.wg.Done()
}

// spectators lets n of them in who have all that is there when it returns.
func spectators(t testing.TB, r *Relay, gig string, n int, wg *sync.WaitGroup) []*spectator {
	t.Helper()
	all := make([]*spectator, n)
	for i := range all {
		v, err := r.Join(gig, "")
		if err != nil {
			t.Fatal(err)
		}
		all[i] = &spectator{v: v, wg: wg}
		wg.Add(1)
	}
	for i, p := range all {
		p.busy = i%3 == 1
		p.follow()
	}
	return all
}

// Everybody in a crowd gets every tag and the end, once, whether served by the
// relay, by a goroutine, or by both in turn.
func TestFollow(t *testing.T) {
	for _, n := range []int{1, 50, 400} {
		r := testRelay(t, RelayOptions{})
		e := publish(t, r, "g").headers().frames(1)
		var wg sync.WaitGroup
		all := spectators(t, r, "g", n, &wg)
		e.frames(150)
		r.End("g")
		wg.Wait()
		for i, p := range all {
			if p.fault != nil || len(p.Tags) != 3+151*3 || p.ends.Load() != 1 {
				t.Fatalf("%d of %d: %d tags, want %d; ended %d times; %v", i, n, len(p.Tags), 3+151*3, p.ends.Load(), p.fault)
			}
		}
		if got := r.Stats(); got.Viewers != 0 {
			t.Errorf("%d viewers counted after all left", got.Viewers)
		}
	}
}

// Up to a hundred viewers have every tag as soon as it is written.
func TestSmallCrowdGetsEveryTagAtOnce(t *testing.T) {
	for _, n := range []int{1, 10, smallCrowd} {
		bubble(t, func(t *testing.T) {
			r := testRelay(t, RelayOptions{})
			e := publish(t, r, "g").headers().frames(1)
			var wg sync.WaitGroup
			all := spectators(t, r, "g", n, &wg)
			for i := range 40 {
				begin := time.Now()
				e.write(TagAudio, e.ts+uint32(i), sound(10))
				synctest.Wait() // for those who take it in a goroutine
				for _, p := range all {
					if want := 3 + 3 + i + 1; len(p.Tags) != want || !time.Now().Equal(begin) {
						t.Fatalf("%d tags after %v, want %d at once", len(p.Tags), time.Since(begin), want)
					}
				}
				time.Sleep(7 * time.Millisecond)
			}
			r.End("g")
			wg.Wait()
		})
	}
}

// No tag waits for longer than the crowd's interval, and that is never over
// 100 ms; nor is anybody woken more often than that.
func TestDelayIsBounded(t *testing.T) {
	for _, n := range []int{smallCrowd + 1, 300, bigCrowd, 3000} {
		bubble(t, func(t *testing.T) {
			r := testRelay(t, RelayOptions{})
			e := publish(t, r, "g").headers().frames(1)
			var wg sync.WaitGroup
			audience(t, r, "g", n-40)
			all := spectators(t, r, "g", 40, &wg)
			written := []arrival{{bytes: all[0].bytes}}
			for i := range 120 {
				time.Sleep(time.Duration(1+(i*7)%23) * time.Millisecond)
				body := sound(10)
				e.write(TagAudio, e.ts+uint32(i), body)
				written = append(written, arrival{written[i].bytes + len(body) + tagOverhead, time.Now()})
			}
			time.Sleep(maxWait)
			synctest.Wait()
			limit := wakeInterval(int64(n))
			for _, p := range all {
				got := p.sent[1:] // the first came at the join
				for _, w := range written[1:] {
					i := slices.IndexFunc(got, func(a arrival) bool { return a.bytes >= w.bytes })
					if i < 0 || got[i].at.Sub(w.at) > limit || limit > maxWait {
						t.Fatalf("%d viewers: byte %d came after %v", n, w.bytes, got[max(i, 0)].at.Sub(w.at))
					}
				}
				for i := range got[1:] {
					if apart := got[i+1].at.Sub(got[i].at); apart < limit {
						t.Fatalf("%d viewers: woken again after %v, want %v at least", n, apart, limit)
					}
				}
			}
			r.End("g")
			wg.Wait()
		})
	}
}

// quiet is a sink that only counts.
type quiet struct{ bytes int }

func (q *quiet) Send(bufs [][]byte) bool {
	for _, b := range bufs {
		q.bytes += len(b)
	}
	return true
}

func (q *quiet) End() {}
func (q *quiet) Cut() {}

// audience lets n viewers in who are never late, and returns the stream.
func audience(t testing.TB, r *Relay, gig string, n int) *stream {
	t.Helper()
	for range n {
		v, err := r.Join(gig, "")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(v.Close)
		q := new(quiet)
		for {
			bufs, err := v.Follow(q)
			if err != nil {
				t.Fatal(err)
			}
			if len(bufs) == 0 {
				break
			}
		}
	}
	return r.streams[gig]
}

// A tag on its way to a crowd allocates nothing for each viewer: nothing at
// all where one goroutine serves them, and a little for each that helps.
func TestWakingAllocatesNothing(t *testing.T) {
	for _, n := range []int{10, smallCrowd - 1, 1000} {
		r := testRelay(t, RelayOptions{})
		e := publish(t, r, "g").headers().frames(1)
		s := audience(t, r, "g", n)
		body := sound(10)
		allocs := testing.AllocsPerRun(30, func() {
			s.mu.Lock()
			s.ring.append(time.Now(), TagAudio, e.ts, body)
			k := s.ring.show(time.Now())
			s.mu.Unlock()
			s.wake(s.ring, k)
			for left := -1; left != n; { // the helpers are done
				s.mu.Lock()
				left = s.ring.waiting.n
				s.mu.Unlock()
			}
		})
		most := 0.0
		if n > smallCrowd {
			most = 3 * float64(n/smallCrowd)
		}
		if allocs > most {
			t.Errorf("%d viewers: %v allocations, want %v at most", n, allocs, most)
		}
	}
}

// Close and a newer connection end a viewer that waits, in either way.
func TestWaitingViewerIsEnded(t *testing.T) {
	ends := map[string]func(r *Relay, v *Viewer){
		"closed":   func(_ *Relay, v *Viewer) { v.Close() },
		"replaced": func(r *Relay, _ *Viewer) { _, _ = r.Join("g", "me") },
		"ended":    func(r *Relay, _ *Viewer) { r.End("g") },
	}
	for name, end := range ends {
		r := testRelay(t, RelayOptions{})
		publish(t, r, "g").headers().frames(1)
		var wg sync.WaitGroup
		p := &spectator{v: join(t, r, "g", "me").v, wg: &wg}
		wg.Add(1)
		p.follow()
		end(r, p.v)
		wg.Wait()
		if p.ends.Load() != 1 {
			t.Errorf("%s: ended %d times", name, p.ends.Load())
		}
		if _, err := p.v.Follow(p); err != io.EOF && err != ErrReplaced {
			t.Errorf("%s: following it again: %v", name, err)
		}
	}
	for name, end := range ends {
		bubble(t, func(t *testing.T) {
			r := testRelay(t, RelayOptions{})
			publish(t, r, "g").headers().frames(1)
			p := join(t, r, "g", "me")
			p.drain(t)
			done := make(chan error)
			go func() {
				_, err := p.v.Next(context.Background())
				done <- err
			}()
			synctest.Wait()
			end(r, p.v)
			if err := <-done; err != io.EOF && err != ErrReplaced {
				t.Errorf("%s: Next returns %v", name, err)
			}
		})
	}
}

// The line is first in, first out, whoever leaves it in between.
func TestLine(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var l line
	var want []*Viewer
	for step := range 5000 {
		switch k := rnd.IntN(5); {
		case k < 3:
			v := &Viewer{id: fmt.Sprint(step)}
			l.add(v)
			want = append(want, v)
		case len(want) > 0:
			i := 0
			if k == 4 {
				i = rnd.IntN(len(want))
			}
			l.remove(want[i])
			l.remove(want[i]) // is no longer in it
			want = slices.Delete(want, i, i+1)
		}
		var got []*Viewer
		for v := l.first; v != nil; v = v.behind {
			got = append(got, v)
		}
		if l.n != len(want) || !slices.Equal(got, want) || (l.last == nil) != (len(want) == 0) {
			t.Fatalf("step %d: %d in line, %d counted, want %d", step, len(got), l.n, len(want))
		}
		if len(want) > 60 {
			l, want = line{}, nil
		}
	}
}
