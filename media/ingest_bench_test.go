package media

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/yutopp/go-rtmp"
)

// showOpening is how an encoder begins that sends in chunks of 4096 bytes, as OBS does.
func showOpening(key string) []byte {
	return craft(opening(key), chunked(128, 2, typeSetChunkSize, 0, num(4096)),
		chunked(4096, 4, typeAudio, 0, []byte{0xaf, 0, 0x12, 0x10}), chunked(4096, 4, typeVideo, 0, avcHeader))
}

// showFrames is a show of 2.65 Mbit/s: what is sent every 30th of a second.
func showFrames(n int) [][]byte {
	frames := make([][]byte, n)
	for i, sound := 0, 0; i < n; i++ {
		at := i * 1000 / 30
		body := inter(9_500)
		if i%60 == 0 {
			body = key(60_000)
		}
		frames[i] = chunked(4096, 4, typeVideo, uint32(at), body)
		for ; sound*1000/43 <= at; sound++ {
			frames[i] = append(frames[i], chunked(4096, 4, typeAudio, uint32(sound*1000/43), append([]byte{0xaf, 1}, pattern(370)...))...)
		}
	}
	return frames
}

// plainSession is go-rtmp that does nothing with the payloads but read them.
type plainSession struct {
	rtmp.DefaultHandler
	read *atomic.Int64
}

func (s *plainSession) OnAudio(_ uint32, payload io.Reader) error { return s.take(payload) }
func (s *plainSession) OnVideo(_ uint32, payload io.Reader) error { return s.take(payload) }

func (s *plainSession) take(payload io.Reader) error {
	n, err := io.Copy(io.Discard, payload)
	s.read.Add(n)
	return err
}

// servePlain runs go-rtmp's own server on ln. It counts the bytes in read.
func servePlain(b *testing.B, ln net.Listener, read *atomic.Int64) {
	noise := redactor{&noise{}, &net.TCPAddr{}, func() bool { return true }}
	s := rtmp.NewServer(&rtmp.ServerConfig{OnConnect: func(c net.Conn) (io.ReadWriteCloser, *rtmp.ConnConfig) {
		config := connConfig(&plainSession{read: read}, libraryLog(noise))
		config.ReaderBufferSize = 64 << 10 // it reads from the network
		return c, config
	}})
	done := make(chan struct{})
	go func() {
		_ = s.Serve(ln) // it tells that it was closed
		close(done)
	}()
	b.Cleanup(func() {
		_ = s.Close()
		<-done
	})
}

// BenchmarkIngestAtOnce is what it costs to take in a show's bytes, into the
// ring, against go-rtmp that reads the same bytes; without a network.
func BenchmarkIngestAtOnce(b *testing.B) {
	raw := append(showOpening(testKey), bytes.Join(showFrames(600), nil)...)
	var read atomic.Int64
	p := serveIngest(b, keyring{testKey: "gig"}, func(i *Ingest) {
		i.times.pace, i.bitrate = 0, 1<<40
	})
	plain := newHandover()
	servePlain(b, plain, &read)
	replay := func(serve func(net.Conn)) time.Duration {
		c := &pipeConn{sentConn: sentConn{r: bytes.NewReader(raw)}, closed: make(chan struct{})}
		before := cpu()
		serve(c)
		<-c.closed
		return cpu() - before
	}
	var relay, library time.Duration
	for b.Loop() {
		relay += replay(func(c net.Conn) { p.admit(c) })
		library += replay(func(c net.Conn) { plain.hand(c) })
	}
	if in := p.relay.counters.bytesIn.Load(); int64(in) != read.Load() {
		b.Errorf("the relay took %d bytes, go-rtmp %d", in, read.Load())
	}
	reportIngest(b, relay, library, read.Load())
}

func reportIngest(b *testing.B, relay, library time.Duration, bytes int64) {
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(relay.Seconds()/float64(bytes)*1e9, "relay-s/GB")
	b.ReportMetric(library.Seconds()/float64(bytes)*1e9, "go-rtmp-s/GB")
	b.ReportMetric(float64(relay)/float64(library), "relay/go-rtmp")
}

// BenchmarkStreamWithoutViewers is what shows cost that nobody watches, at
// their own pace over real connections, against go-rtmp that reads the same.
func BenchmarkStreamWithoutViewers(b *testing.B) {
	const streams = 30
	frames := showFrames(60)
	keys := keyring{}
	for i := range streams {
		keys[fmt.Sprint(testKey, i)] = fmt.Sprint("gig", i)
	}
	p := serveIngest(b, keys, nil)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	var read atomic.Int64
	servePlain(b, ln, &read)
	var relay, library time.Duration
	for b.Loop() {
		relay += serveStreams(b, p.addr, streams, frames)
		library += serveStreams(b, ln.Addr().String(), streams, frames)
	}
	if in := p.relay.counters.bytesIn.Load(); int64(in) != read.Load() {
		b.Errorf("the relay took %d bytes, go-rtmp %d", in, read.Load())
	}
	reportIngest(b, relay, library, read.Load())
}

// serveStreams sends the frames over many connections and returns what the
// rest of the process, which takes them, used of the processors meanwhile.
func serveStreams(b *testing.B, addr string, streams int, frames [][]byte) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var conns []net.Conn
	for i := range streams {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		conns = append(conns, c)
		if _, err := c.Write(showOpening(fmt.Sprint(testKey, i))); err != nil {
			b.Fatal(err)
		}
	}
	const frame, rest = time.Second / 30, 300 * time.Millisecond
	time.Sleep(rest) // until all publish
	used := cpu() - threadCPU()
	began := time.Now()
	for i, f := range frames {
		for j, c := range conns {
			// Spread over the frame's time, as those of strangers are.
			time.Sleep(time.Until(began.Add(time.Duration(i)*frame + time.Duration(j)*frame/time.Duration(streams))))
			if _, err := c.Write(f); err != nil {
				b.Fatal(err)
			}
		}
	}
	time.Sleep(rest) // until all is read
	return cpu() - threadCPU() - used
}

// threadCPU is the processor time that this thread has used.
func threadCPU() time.Duration {
	const thread = 1 // RUSAGE_THREAD of Linux
	var u syscall.Rusage
	_ = syscall.Getrusage(thread, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
