package media

import (
	"fmt"
	"io"
	"runtime/metrics"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// checkGuard holds that a connection keeps no more than its bounds say.
func checkGuard(g *guard) error {
	held, kept := 0, cap(g.in.buf)+cap(g.chunks.spare)
	for _, cs := range g.chunks.streams {
		if kept += cap(cs.body); cs.open {
			held += len(cs.body)
		}
	}
	if held != g.chunks.held {
		return fmt.Errorf("%d bytes of unfinished messages, %d are counted", held, g.chunks.held)
	}
	if held > g.chunks.maxHeld || len(g.chunks.streams) > maxChunkStreams {
		return fmt.Errorf("%d bytes held on %d chunk streams", held, len(g.chunks.streams))
	}
	// A buffer that grows has up to twice the bytes in it; one of a message that
	// is over is kept, and one lent to the next.
	if most := len(g.in.buf) + 2*held + 2*min(2*g.chunks.maxLength, maxSpare); kept > most {
		return fmt.Errorf("%d bytes kept, at most %d should be", kept, most)
	}
	return nil
}

// checkRing holds that a ring, if there is one, is within its bound.
func checkRing(t *testing.T, r *ring) {
	t.Helper()
	if r == nil {
		return
	}
	size := 0
	for _, b := range r.blocks {
		size += cap(b.buf)
	}
	if size != r.size || size > r.maxBytes || len(r.joins) > maxJoins {
		t.Fatalf("a ring of %d bytes, counted as %d, with %d joins", size, r.size, len(r.joins))
	}
}

// checkOnStage holds that a publisher that was taken over from is gone: its
// session sees that at the next read, which the pace may put off.
func (r *rig) checkOnStage() {
	r.settle()
	for range 100 {
		if r.onStage() == r.relay.Stats().Publishers {
			return
		}
		time.Sleep(defaultTimeouts.pace)
		synctest.Wait()
	}
	r.t.Fatalf("%d publishers, %d are counted", r.onStage(), r.relay.Stats().Publishers)
}

// onStage returns how many publishers have not been closed.
func (r *rig) onStage() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.opened - r.closed
}

// checkEnd checks what must hold when all clients are gone: the show is in
// its grace, then over, and nothing is left.
func (r *rig) checkEnd() {
	if r.onStage() != 0 || r.relay.Stats().Publishers != 0 {
		r.t.Fatalf("%d publishers, %d are counted", r.onStage(), r.relay.Stats().Publishers)
	}
	if state := r.relay.State("gig"); state == StateLive || r.wasLive && state != StateReconnecting {
		r.t.Fatalf("%s, was live: %t", state, r.wasLive)
	}
	if n := len(r.ingest.gate.all) + len(r.ingest.gate.byAddr); n != 0 {
		r.t.Fatalf("%d entries at the gate", n)
	}
	for _, w := range r.watchers {
		w.free()
	}
	for _, o := range r.crowd {
		o.v.Close()
	}
	synctest.Wait()
	for _, o := range r.crowd {
		if n := o.ends.Load(); n != 1 {
			r.t.Fatalf("a viewer was told of its end %d times", n)
		}
	}
	time.Sleep(rigGrace)
	synctest.Wait()
	if n := len(r.relay.streams); n != 0 || r.relay.State("gig") != StateIdle {
		r.t.Fatalf("%d streams after the grace", n)
	}
	for _, w := range r.watchers {
		r.checkWatched(w)
	}
	if s := r.relay.Stats(); s.Viewers != 0 {
		r.t.Fatalf("%d viewers are counted", s.Viewers)
	}
	// What the rig keeps itself is in it: this is about bytes that only declare.
	if n := allocated() - r.allocs; n > 16<<20+1<<10*uint64(r.bytes) {
		r.t.Fatalf("%d bytes allocated for %d bytes sent", n, r.bytes)
	}
}

// allocated returns the bytes that were allocated in the process so far.
func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// checkWatched holds that a viewer, whose stream is over, got whole tags that a
// publisher had written, and under the headers that they were written under.
func (r *rig) checkWatched(w *watcher) {
	select {
	case <-w.done:
	default:
		r.t.Fatal("a viewer waits for more of a show that is over")
	}
	ends := []error{io.EOF, ErrReplaced}
	if w.bad != nil || !slices.Contains(ends, w.err) || len(w.buf) > 0 {
		r.t.Fatalf("a viewer ended with %v, %v, %d bytes over", w.bad, w.err, len(w.buf))
	}
	heads := map[TagType]uint64{}
	for i, tag := range w.Tags {
		hash := tag.hash()
		under, ok := r.written[hash]
		switch info := tag.info(); {
		case !ok:
			r.t.Fatalf("tag %d of type %d was not sent", i, tag.Type)
		case info.kind == kindHeader:
			heads[tag.Type] = hash
		case info.codec.headers && info.kind <= kindKeyframe && !slices.Contains(under, heads[tag.Type]):
			r.t.Fatalf("tag %d of type %d is under a header that is not its publisher's", i, tag.Type)
		}
	}
}
