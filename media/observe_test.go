package media

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// record is an observer that notes what it is told, and can be slow.
type record struct {
	mu    sync.Mutex
	told  map[string][]State
	block chan struct{}
}

func (o *record) StreamChanged(gig string, s State) {
	if o.block != nil {
		<-o.block
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.told[gig] = append(o.told[gig], s)
}

func TestObserverOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := testRelay(t, RelayOptions{Grace: time.Second})
		o := &record{told: map[string][]State{}}
		r.Observe(o)
		e := publish(t, r, "g").headers()
		synctest.Wait()
		e.frames(1)
		synctest.Wait()
		e.p.Close()
		synctest.Wait()
		e = publish(t, r, "g").headers().frames(1)
		synctest.Wait()
		r.Kick("g")
		synctest.Wait()
		if err := e.p.WriteTag(TagVideo, 0, key(1)); !errors.Is(err, ErrEnded) {
			t.Errorf("a kicked publisher writes: %v", err)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		want := []State{StateLive, StateReconnecting, StateLive, StateReconnecting, StateIdle}
		if !slices.Equal(o.told["g"], want) {
			t.Errorf("told %v, want %v", o.told["g"], want)
		}
	})
}

// A stuck observer delays no media, and is then told the latest state only.
func TestObserverIsSlow(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := testRelay(t, RelayOptions{})
		o := &record{told: map[string][]State{}, block: make(chan struct{})}
		r.Observe(o)
		for i := range 50 {
			gig := fmt.Sprint("g", i%5)
			publish(t, r, gig).headers().frames(1)
			p := join(t, r, gig, "")
			p.drain(t)
			if i < 45 {
				r.End(gig)
			}
		}
		close(o.block)
		synctest.Wait()
		for gig, states := range o.told {
			if len(states) > 3 || states[len(states)-1] != StateLive {
				t.Errorf("%s was told %v", gig, states)
			}
		}
		if len(o.told) != 5 {
			t.Errorf("%d gigs told", len(o.told))
		}
	})
}

func TestShutdown(t *testing.T) { bubble(t, shutdown) }

func shutdown(t *testing.T) {
	r := NewRelay(RelayOptions{Logger: slog.New(slog.DiscardHandler)})
	o := &record{told: map[string][]State{}}
	r.Observe(o)
	kicked := make(chan struct{}, 1)
	p, err := r.Publish("g", PublisherInfo{Kick: func() { kicked <- struct{}{} }})
	if err != nil {
		t.Fatal(err)
	}
	e := &encoder{t: t, p: p, gop: 25}
	e.headers().frames(10)
	synctest.Wait()
	v := join(t, r, "g", "")
	waiting := publish(t, r, "lost").headers().frames(1)
	waiting.p.Close() // its grace runs
	publish(t, r, "silent")
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := r.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	<-kicked
	v.wantEOF(t)
	if n := v.count(TagVideo, kindFrame); n != 9 {
		t.Errorf("%d pictures before the end, want 9", n)
	}
	if err := p.WriteTag(TagVideo, 0, key(1)); !errors.Is(err, ErrEnded) {
		t.Errorf("write: %v", err)
	}
	p.Close()
	if _, err := r.Publish("g", PublisherInfo{}); !errors.Is(err, ErrEnded) {
		t.Errorf("publish: %v", err)
	}
	if _, err := r.Join("g", ""); !errors.Is(err, ErrNotLive) {
		t.Errorf("join: %v", err)
	}
	if got := o.told["g"]; len(got) == 0 || got[len(got)-1] != StateIdle {
		t.Errorf("told %v", got)
	}
	if err := r.Shutdown(ctx); err != nil {
		t.Errorf("again: %v", err)
	}
}

func TestShutdownGivesUp(t *testing.T) {
	r := NewRelay(RelayOptions{Logger: slog.New(slog.DiscardHandler)})
	o := &record{told: map[string][]State{}, block: make(chan struct{})}
	r.Observe(o)
	publish(t, r, "g").headers().frames(1)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(o.block)
	<-r.notifier.done
}

func TestUnknownGig(t *testing.T) {
	r := testRelay(t, RelayOptions{})
	r.Kick("none")
	r.End("none")
	wantState(t, r, "none", StateIdle)
	if _, ok := r.Health("none"); ok || r.Viewers("none") != 0 || len(r.Live()) != 0 {
		t.Error("a gig that nobody published to has a stream")
	}
	p, _ := r.Publish("quiet", PublisherInfo{})
	if h, ok := r.Health("quiet"); !ok || h.State != StateIdle || len(r.Live()) != 0 {
		t.Errorf("connected without media: %v %v", h, ok)
	}
	p.Close()
	if _, ok := r.Health("quiet"); ok || len(r.streams) != 0 {
		t.Error("a stream stays of a publisher that never sent")
	}
}
