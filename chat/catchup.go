package chat

import (
	"context"
	"time"
)

const (
	historyTimeout = 5 * time.Second
	retryFirst     = 100 * time.Millisecond
	retryMost      = 2 * time.Second
)

// load reads the history for the first member.
func (r *room) load() {
	msgs, oldest, err := r.history(0)
	if err == nil {
		r.absorb(msgs, oldest)
	} else {
		r.hub.forget(r)
		r.mu.Lock()
		r.loadErr, r.dropped = err, true
		r.mu.Unlock()
	}
	close(r.ready)
	if err == nil {
		r.catchUp()
	}
}

// catchUp reads on until the room has all that it has heard of.
func (r *room) catchUp() {
	for wait := retryFirst; ; wait = min(2*wait, retryMost) {
		last, done := r.caughtUp()
		if done {
			return
		}
		msgs, oldest, err := r.history(last)
		switch {
		case err != nil:
			r.hub.options.Logger.Warn("chat: history cannot be read", "room", r.id, "err", err)
		case len(msgs) > 0:
			r.absorb(msgs, oldest)
			wait = retryFirst
			continue
		}
		select {
		case <-time.After(wait):
		case <-r.hub.work.Done():
			return
		}
	}
}

// caughtUp returns the last Seq, and ends catching up when nothing is missing.
func (r *room) caughtUp() (last uint64, done bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last >= r.want || r.dropped || r.stopped {
		r.catching = false
		return r.last, true
	}
	return r.last, false
}

func (r *room) history(after uint64) ([]Message, uint64, error) {
	ctx, cancel := context.WithTimeout(r.hub.work, historyTimeout)
	defer cancel()
	return r.hub.broker.History(ctx, r.id, after, HistoryKept)
}

// absorb takes messages of the history that follow the last one, or follow a
// gap after it.
func (r *room) absorb(msgs []Message, oldest uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var added [][]byte
	if r.last > 0 && oldest > r.last+1 {
		r.items = nil
		added = append(added, r.hub.renderer.Gap())
	}
	for _, m := range msgs {
		if m.Seq > r.last {
			added = append(added, r.keep(m))
		}
	}
	if len(added) > 0 {
		r.pushAll(r.hub.renderer.Append(added...))
	}
}
