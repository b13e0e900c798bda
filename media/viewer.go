package media

import (
	"context"
	"io"
)

// Viewer is one subscriber: a cursor into the ring. It starts at the keyframe
// that is the latest when it first asks. One goroutine at a time uses it; any
// may close it.
type Viewer struct {
	s    *stream
	id   string
	ring *ring         // the one that it joined; a cut stream's viewers never change over
	sink Sink          // gets what comes while the viewer waits; nil: Next waits
	wake chan struct{} // holds one when Next has to look again; nil before Next waits

	waits          bool // is in the ring's line, between these two
	before, behind *Viewer

	at       position
	started  bool // the FLV header was handed out
	replaced bool
	closed   bool
	bufs     [][]byte

	// What serve has taken for the sink.
	out [][]byte
	err error
}

// Sink takes what a viewer is to get, while no goroutine waits for it.
type Sink interface {
	// Send writes bufs, as much of it as can be written without a wait. It
	// returns true when that was all, and false when the viewer is the sink's
	// again, which has it write the rest. The slices are as those of Next.
	Send(bufs [][]byte) bool
	// End says that nothing follows: the stream has ended, the viewer was
	// closed, or replaced.
	End()
	// Cut lets a write that waits fail, as another has taken the viewer's
	// place. Any goroutine calls it, while the viewer is the sink's.
	Cut()
}

// Follow returns what is to be written now, as Next does. When there is
// nothing it returns nothing and leaves the viewer to the relay, which calls
// sink, one call at a time, until Send returns false or End was called. So a
// viewer that keeps up needs no goroutine. Errors: io.EOF, ErrReplaced.
func (v *Viewer) Follow(sink Sink) (bufs [][]byte, err error) {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	v.sink = sink
	bufs, err = v.take()
	if err == nil && len(bufs) == 0 {
		v.ring.waiting.add(v)
	}
	v.count(bufs)
	return bufs, err
}

// Next waits until something is to be written and returns it, at most about
// 512 KiB: first the FLV header, the metadata, the sequence headers and a
// keyframe, then whatever came since. The slices are shared by all viewers and
// never change; the list itself is reused by the following call. Whoever
// writes them should do so within a deadline: until the next call what was
// handed out stays in memory, at most 768 KiB or one tag, though the ring has
// dropped it; viewers that stand at the same place hold the same. Errors:
// io.EOF at the end of the stream and after Close, ErrReplaced, ctx.Err().
func (v *Viewer) Next(ctx context.Context) (bufs [][]byte, err error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		v.s.mu.Lock()
		bufs, err := v.take()
		wait := err == nil && len(bufs) == 0
		if wait && !v.waits {
			if v.wake == nil {
				v.wake = make(chan struct{}, 1)
			}
			v.sink = nil
			v.ring.waiting.add(v)
		}
		v.s.mu.Unlock()
		if !wait {
			v.count(bufs)
			return bufs, err
		}
		select {
		case <-v.wake:
		case <-ctx.Done():
		}
	}
}

// nudge lets a viewer that has just left the line know that it was closed or
// replaced, or that there is more. The stream is locked.
func (v *Viewer) nudge() {
	if v.sink != nil {
		v.s.relay.timers.Go(v.sink.End)
		return
	}
	select {
	case v.wake <- struct{}{}:
	default:
	}
}

// take collects what is there. The stream is locked.
func (v *Viewer) take() ([][]byte, error) {
	r := v.ring
	switch {
	case v.replaced:
		return nil, ErrReplaced
	case v.closed:
		return nil, io.EOF
	}
	clear(v.bufs) // who waits holds on to nothing
	v.bufs = v.bufs[:0]
	if !v.started || !r.holds(&v.at) {
		if !v.jump() {
			if r.closed {
				return nil, io.EOF
			}
			return nil, nil
		}
	}
	v.bufs, v.at = r.read(v.at, v.bufs)
	if len(v.bufs) == 0 && r.closed {
		return nil, io.EOF
	}
	return v.bufs, nil
}

// jump moves the cursor to the latest join point and begins the batch with
// what a player needs there. It returns false while there is none.
func (v *Viewer) jump() bool {
	j := v.ring.latestJoin()
	if j == nil {
		return false
	}
	begins := !v.started
	if begins {
		v.started = true
		t := v.ring.tracks
		v.bufs = append(v.bufs, flvHeader(t.audio.name != "", t.video.name != ""))
	} else {
		v.s.relay.counters.dropped[dropSlowViewer].Add(j.at.seq - v.at.seq)
	}
	if p := j.prefaceOf(begins); len(p) > 0 {
		v.bufs = append(v.bufs, p)
	}
	v.at = j.at
	return true
}

func (v *Viewer) count(bufs [][]byte) {
	n := 0
	for _, b := range bufs {
		n += len(b)
	}
	v.s.relay.counters.bytesOut.Add(uint64(n))
}

// Close ends the subscription, and a Next that waits. It may be called twice,
// and while another goroutine still writes what was handed out.
func (v *Viewer) Close() {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	v.closed = true
	v.s.leave(v)
}
