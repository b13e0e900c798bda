package media

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
)

// watcher is a viewer that leaves the reading to the relay, or reads all the
// time, or a batch at each step.
type watcher struct {
	player
	step  chan struct{} // of a slow one
	once  sync.Once
	turns int
	done  chan struct{}
	bad   error // what is wrong with the stream
	err   error // why it ended
}

// watch lets one more viewer join.
func (r *rig) watch() {
	w, id := &watcher{done: make(chan struct{})}, ""
	if len(r.watchers)%3 == 1 {
		w.step, id = make(chan struct{}), "slow"
	}
	v := r.join(id)
	if v == nil {
		return
	}
	w.v, w.viewed = v, true
	if r.watchers = append(r.watchers, w); len(r.watchers)%3 == 1 {
		w.follow()
	} else {
		go w.read(r.t.Context())
	}
}

// join returns nil when the house is full.
func (r *rig) join(id string) *Viewer {
	v, err := r.relay.Join("gig", id)
	if err != nil && !errors.Is(err, ErrLimit) {
		r.t.Fatalf("no viewer can join a live stream: %v", err)
	}
	return v
}

func (w *watcher) read(ctx context.Context) {
	for {
		if w.step != nil {
			<-w.step
		}
		bufs, err := w.v.Next(ctx)
		if err != nil {
			w.leave(err)
			return
		}
		w.take(bufs)
	}
}

// follow reads what is there and leaves the rest to the relay.
func (w *watcher) follow() {
	for {
		bufs, err := w.v.Follow(w)
		if err != nil {
			w.leave(err)
			return
		}
		if len(bufs) == 0 {
			return
		}
		w.take(bufs)
	}
}

// Send takes all; now and then the viewer cannot at once.
func (w *watcher) Send(bufs [][]byte) bool {
	if w.turns++; w.turns%5 > 0 {
		w.take(bufs)
		return true
	}
	go func() {
		w.take(bufs)
		w.follow()
	}()
	return false
}

func (w *watcher) End() { w.leave(io.EOF) }
func (w *watcher) Cut() {}

func (w *watcher) take(bufs [][]byte) {
	if err := w.feed(bufs); err != nil && w.bad == nil {
		w.bad = err
	}
}

func (w *watcher) leave(why error) {
	w.err = why
	w.v.Close()
	close(w.done)
}

// onlooker is one of a crowd: its bytes go nowhere.
type onlooker struct {
	v    *Viewer
	ends atomic.Int32
}

func (o *onlooker) Send([][]byte) bool { return true }
func (o *onlooker) End()               { o.ends.Add(1) }
func (o *onlooker) Cut()               {}

// gather lets a crowd join, so large that wake-ups are joined.
func (r *rig) gather() {
	for len(r.crowd) < 2*smallCrowd {
		o := &onlooker{v: r.join("")}
		if o.v == nil {
			return
		}
		r.crowd = append(r.crowd, o)
		for {
			bufs, err := o.v.Follow(o)
			if err != nil {
				o.End()
			}
			if len(bufs) == 0 {
				break
			}
		}
	}
}

// walk lets a slow viewer read one batch.
func (w *watcher) walk() {
	if w.step == nil {
		return
	}
	select {
	case w.step <- struct{}{}:
	default:
	}
}

// free lets a slow viewer read all.
func (w *watcher) free() {
	if w.step != nil {
		w.once.Do(func() { close(w.step) })
	}
}
