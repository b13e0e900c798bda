package media

import (
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// cpu is the processor time that this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// rounds counts what viewers get, and notes when one has a whole round of tags.
type rounds struct {
	size   int // of a round, in bytes
	bytes  []int
	slices []int
	round  sync.WaitGroup
}

func (t *rounds) got(viewer, bytes, slices int) {
	before := t.bytes[viewer] / t.size
	t.bytes[viewer] += bytes
	t.slices[viewer] += slices
	t.round.Add(before - t.bytes[viewer]/t.size)
}

// fanOut is one way of handing tags to viewers.
type fanOut interface {
	publish(i int, body []byte)
	count(t *rounds)
	end()
}

// ringFanOut is what the relay does: cursors into one ring, served one after
// the other.
type ringFanOut struct {
	p       *Publisher
	viewers []*Viewer
	rounds  *rounds
}

// ringViewer is a sink that takes all at once.
type ringViewer struct {
	f  *ringFanOut
	at int
}

func (v *ringViewer) Send(bufs [][]byte) bool {
	n := 0
	for _, b := range bufs {
		n += len(b)
	}
	v.f.rounds.got(v.at, n, len(bufs))
	return true
}

func (v *ringViewer) End() {}
func (v *ringViewer) Cut() {}

func newRingFanOut(b *testing.B) *ringFanOut {
	r := testRelay(b, RelayOptions{})
	e := publish(b, r, "g").headers().frames(1)
	return &ringFanOut{p: e.p}
}

func (f *ringFanOut) join(b *testing.B, n int) {
	r := f.p.s.relay
	for i := range n {
		v, err := r.Join("g", "")
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(v.Close)
		for sink, more := (&ringViewer{f, i}), true; more; {
			bufs, err := v.Follow(sink)
			if err != nil {
				b.Fatal(err)
			}
			more = len(bufs) > 0
		}
		f.viewers = append(f.viewers, v)
	}
	// The comparison is of ring and queue: both hand out tags at once.
	r.counters.viewers.Add(int64(-n))
	b.Cleanup(func() { r.counters.viewers.Add(int64(n)) })
}

func (f *ringFanOut) publish(i int, body []byte) {
	_ = f.p.WriteTag(TagVideo, uint32(40+i*5), body)
}

func (f *ringFanOut) count(t *rounds) { f.rounds = t }
func (f *ringFanOut) end()            {}

// queueFanOut is the alternative: every viewer has a goroutine and a bounded
// queue of tags that the publisher fills, long enough for 10 s of a show.
type queueFanOut struct {
	queues  []chan []byte
	readers sync.WaitGroup
}

func newQueueFanOut(n int) *queueFanOut {
	f := &queueFanOut{}
	for range n {
		f.queues = append(f.queues, make(chan []byte, 1024))
	}
	return f
}

func (f *queueFanOut) publish(i int, body []byte) {
	tag := appendTag(make([]byte, 0, len(body)+tagOverhead), TagVideo, uint32(i*5), body)
	for _, q := range f.queues {
		select {
		case q <- tag:
		default:
		}
	}
}

func (f *queueFanOut) count(t *rounds) {
	for i, q := range f.queues {
		f.readers.Go(func() {
			for tag := range q {
				bytes, slices := len(tag), 1
				for range len(q) {
					bytes += len(<-q)
					slices++
				}
				t.got(i, bytes, slices)
			}
		})
	}
}

func (f *queueFanOut) end() {
	for _, q := range f.queues {
		close(q)
	}
	f.readers.Wait()
}

// burst is how many tags come at once: a picture and its sound in one read of
// the publisher's connection.
const burst = 3

// measure sends n rounds of tags through f, each as soon as all viewers have the
// one before, and returns processor time, allocations and slices.
func measure(f fanOut, viewers, n int) (used time.Duration, mallocs uint64, slices int) {
	body := inter(3000)
	t := &rounds{size: burst * (len(body) + tagOverhead), bytes: make([]int, viewers), slices: make([]int, viewers)}
	f.count(t)
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := cpu()
	for i := range n {
		t.round.Add(viewers)
		for j := range burst {
			f.publish(i*burst+j, body)
		}
		t.round.Wait()
	}
	used = cpu() - began
	runtime.ReadMemStats(&after)
	f.end()
	for _, k := range t.slices {
		slices += k
	}
	return used, after.Mallocs - before.Mallocs, slices
}

// BenchmarkFanOut compares the ring with a bounded queue per viewer, in one
// run so that the ratio holds on any machine. It measures what comes before
// the sockets; there the slices count too, as each is an entry of a writev.
func BenchmarkFanOut(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("viewers=%d", n), func(b *testing.B) {
			queue, ring := newQueueFanOut(n), newRingFanOut(b)
			ring.join(b, n)
			delivered := float64(n * b.N * burst)
			b.ResetTimer()
			queueTime, queueMallocs, queueSlices := measure(queue, n, b.N)
			ringTime, ringMallocs, ringSlices := measure(ring, n, b.N)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(queueTime)/delivered, "queue-ns/tag")
			b.ReportMetric(float64(ringTime)/delivered, "ring-ns/tag")
			b.ReportMetric(float64(ringTime)/float64(queueTime), "ring/queue")
			b.ReportMetric(float64(queueMallocs)/delivered, "queue-allocs/tag")
			b.ReportMetric(float64(ringMallocs)/delivered, "ring-allocs/tag")
			b.ReportMetric(float64(queueSlices)/delivered, "queue-slices/tag")
			b.ReportMetric(float64(ringSlices)/delivered, "ring-slices/tag")
		})
	}
}

// BenchmarkViewerMemory is what one more viewer takes: a cursor, or a queue.
func BenchmarkViewerMemory(b *testing.B) {
	const n = 4000
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // what the one before has swept is counted now
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	var viewers, queues int64
	for b.Loop() {
		ring := newRingFanOut(b)
		empty := heap()
		ring.join(b, n)
		viewers = heap() - empty
		queue := newQueueFanOut(n)
		queues = heap() - empty - viewers
		runtime.KeepAlive(queue)
		runtime.KeepAlive(ring)
	}
	b.ReportMetric(float64(viewers)/n, "ring-B/viewer")
	b.ReportMetric(float64(queues)/n, "queue-B/viewer")
}

// BenchmarkPublish is the cost of a tag that nobody watches.
func BenchmarkPublish(b *testing.B) {
	for _, size := range []int{200, 3000, 50_000} {
		b.Run(fmt.Sprintf("bytes=%d", size), func(b *testing.B) {
			r := testRelay(b, RelayOptions{})
			e := publish(b, r, "g").headers().frames(1)
			body := inter(size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for i := range b.N {
				_ = e.p.WriteTag(TagVideo, uint32(40+i*5), body)
			}
		})
	}
}

// BenchmarkParse is the cost of a sequence header.
func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		parseAVCConfig(avcConfig720p)
	}
}
