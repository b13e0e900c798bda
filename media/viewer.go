package media

import (
	"context"
	"io"
)

// Viewer is one subscriber: a cursor into the ring. It starts at the keyframe
// that is the latest when Next is called first. One goroutine uses it; any may
// close it.
type Viewer struct {
	s    *stream
	id   string
	ring *ring         // the one that it joined; a cut stream's viewers never change over
	wake chan struct{} // holds one when Next has to look again

	waits          bool // is in the ring's line, between these two
	before, behind *Viewer

	at       position
	started  bool // the FLV header was handed out
	replaced bool
	closed   bool
	bufs     [][]byte
}

// Next waits until something is to be written and returns it, at most about
// 512 KiB: first the FLV header, the metadata, the sequence headers and a
// keyframe, then whatever came since. The slices are shared by all viewers and
// never change; the list itself is reused by the following call. Whoever
// writes them should do so within a deadline: until the next call what was
// handed out stays in memory, at most 768 KiB or one tag, though the ring has
// dropped it; viewers that stand at the same place hold the same. Errors: io.EOF at the end of
// the stream and after Close, ErrReplaced, ctx.Err().
func (v *Viewer) Next(ctx context.Context) (bufs [][]byte, err error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		v.s.mu.Lock()
		bufs, err := v.take()
		wait := err == nil && len(bufs) == 0
		if wait && !v.waits {
			v.ring.waiting.add(v)
		}
		v.s.mu.Unlock()
		if !wait {
			v.count(bufs)
			return bufs, err
		}
		v.await(ctx)
	}
}

// await waits until the viewer is woken, or for ctx where that can end.
func (v *Viewer) await(ctx context.Context) {
	if ctx.Done() == nil {
		<-v.wake // a third of a select's price
		return
	}
	select {
	case <-v.wake:
	case <-ctx.Done():
	}
}

// nudge makes Next look again.
func (v *Viewer) nudge() {
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
	if v.started {
		v.s.relay.counters.dropped[dropSlowViewer].Add(j.at.seq - v.at.seq)
	} else {
		v.started = true
		t := v.ring.tracks
		v.bufs = append(v.bufs, flvHeader(t.audio.name != "", t.video.name != ""))
	}
	if p := j.prefaceOf(); len(p) > 0 {
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
// and while another goroutine still writes what Next has handed out.
func (v *Viewer) Close() {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	v.s.leave(v)
	v.closed = true
	v.nudge()
}
