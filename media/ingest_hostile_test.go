package media

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// brief are timeouts short enough to be waited for.
func brief(i *Ingest) {
	i.times = timeouts{
		handshake: 300 * time.Millisecond,
		publish:   300 * time.Millisecond,
		idle:      300 * time.Millisecond,
		media:     600 * time.Millisecond,
		mediaGap:  900 * time.Millisecond,
		write:     time.Second,
	}
}

// trickle writes b again and again until the connection ends.
func trickle(conn net.Conn, b []byte) {
	for {
		if _, err := conn.Write(b); err != nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// However a client dawdles, it is gone when its time is over.
func TestDeadlines(t *testing.T) {
	video := whole(6, typeVideo, 0, []byte{0x17, 1, 0, 0, 0, 9})
	silence := whole(2, typeAck, 0, num(1))
	tests := []struct {
		name   string
		opener []byte
		repeat []byte
		least  time.Duration
	}{
		{"says nothing", nil, nil, 200 * time.Millisecond},
		{"greets a byte at a time", []byte{3}, []byte{0}, 200 * time.Millisecond},
		{"greets and stops", hello[:helloSize], nil, 200 * time.Millisecond},
		{"does not publish", hello, nil, 200 * time.Millisecond},
		{"does not publish, but talks", hello, silence, 200 * time.Millisecond},
		{"publishes and stops", opening(testKey), nil, 200 * time.Millisecond},
		{"publishes, and sends no media", opening(testKey), silence, 500 * time.Millisecond},
		{"sends media and stops", craft(opening(testKey), video), nil, 200 * time.Millisecond},
		{"sends media, then only talks", craft(opening(testKey), video), silence, 800 * time.Millisecond},
		{"unpublishes and stays", craft(opening(testKey), video,
			whole(3, typeCommand, 0, craft(str("FCUnpublish"), number(4), []byte{amfNull}, str("k")))),
			silence, 200 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRecorder()
			p := serveIngest(t, keyring{testKey: "gig"}, func(i *Ingest) { recordInto(r)(i); brief(i) })
			conn := p.dial(t)
			began := time.Now()
			_, _ = conn.Write(tt.opener)
			if tt.repeat != nil {
				go trickle(conn, tt.repeat)
			}
			awaitHangUp(t, conn)
			if took := time.Since(began); took < tt.least || took > 5*time.Second {
				t.Errorf("gone after %v", took)
			}
			if strings.Contains(tt.name, "media") || strings.Contains(tt.name, "publishes") {
				awaitEnd(t, r)
			}
		})
	}
}

// Two thousand idle connections from one address leave room for an encoder.
func TestIdleDials(t *testing.T) {
	r := newRecorder()
	p := serveIngest(t, keyring{testKey: "gig"}, recordInto(r))
	var wg sync.WaitGroup
	conns := make([]net.Conn, 2000)
	for w := range 4 {
		wg.Go(func() {
			for n := w; n < len(conns); n += 4 {
				conns[n], _ = net.DialTimeout("tcp", p.addr, 5*time.Second)
			}
		})
	}
	wg.Wait()
	defer func() {
		for _, c := range conns {
			if c != nil {
				_ = c.Close()
			}
		}
	}()
	out, err := run(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=duration=1", "-c:a", "aac",
		"-f", "flv", p.url()+"/"+testKey)
	if err != nil || out != "" {
		t.Errorf("ffmpeg: %v\n%s", err, out)
	}
	awaitEnd(t, r)
	if n := len(r.of(TagAudio)); n < 30 {
		t.Errorf("%d audio tags", n)
	}
	p.gate.mu.Lock()
	open := len(p.gate.all)
	p.gate.mu.Unlock()
	if open > p.gate.maxAddr {
		t.Errorf("%d connections open, the cap is %d", open, p.gate.maxAddr)
	}
}

// A thousand connections that each declare a message of 16 MiB cost what
// they sent, and nothing of what they declared.
func TestDeclaredSizes(t *testing.T) {
	const n = 1000
	p := serveIngest(t, keyring{testKey: "gig"}, func(i *Ingest) { i.gate.maxAddr = n; i.times.publish = time.Minute })
	claim := craft(hello, whole(2, typeSetChunkSize, 0, num(0x7fffffff)),
		header{0, 3, 0, 60 << 10, typeCommand, 0}, pattern(100))
	huge := craft(hello, header{0, 3, 0, maxMessageLength, typeCommand, 0}, pattern(100))
	before := heap()
	for k := range n {
		c := p.dial(t)
		if k%2 == 0 {
			_, _ = c.Write(claim)
		} else {
			_, _ = c.Write(huge)
		}
	}
	await(t, "those that declare too much to be dropped", func() bool {
		p.gate.mu.Lock()
		defer p.gate.mu.Unlock()
		return len(p.gate.all) == n/2
	})
	if each := (heap() - before) / (n / 2); each > 128<<10 {
		t.Errorf("%d bytes for each connection", each)
	}
}

// heap is how many bytes are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// What the encoder is told when it may not publish, and whether it should
// try again by itself.
func TestRefusals(t *testing.T) {
	const stop, again = "NetStream.Publish.BadName", "NetStream.Publish.Failed"
	tests := []struct {
		name       string
		auth       error
		publish    error
		code, text string
	}{
		{"refused", &Refusal{"Not today."}, nil, stop, "Not today."},
		{"refused, wrapped", errors.Join(io.EOF, &Refusal{"Not today."}), nil, stop, "Not today."},
		{"the store is down", errors.New("dial redis"), nil, again, textTrouble},
		{"the store is slow", context.DeadlineExceeded, nil, again, textTrouble},
		{"busy", nil, ErrBusy, again, textBusy},
		{"full", nil, ErrLimit, again, textLimit},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := serveIngest(t, authFunc(func(context.Context, string) (string, error) { return "gig", tt.auth }),
				func(i *Ingest) {
					i.publish = func(string, PublisherInfo) (tagWriter, error) { return nil, tt.publish }
				})
			err := Push(t.Context(), p.url(), "canary-key", tinyClip, false)
			if err == nil || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("Push: %v", err)
			}
			sent := strings.ReplaceAll(guess(p.addr, "canary-key"), "\xc3", "")
			if !strings.Contains(sent, tt.code) || !strings.Contains(sent, tt.text) || strings.Contains(sent, "redis") {
				t.Errorf("sent %q", sent)
			}
			p.noise.flush()
			if log := p.log.String(); strings.Contains(log, "canary") || strings.Contains(log, "redis") {
				t.Errorf("log: %s", log)
			}
		})
	}
}

// tinyClip is an FLV file of two frames.
var tinyClip = appendTag(append(flvHeader(false, true), appendTag(nil, TagVideo, 0, []byte{0x17, 1, 0, 0, 0, 9})...),
	TagVideo, 40, []byte{0x27, 1, 0, 0, 0, 9})

// An encoder may put settings behind the key.
func TestKeyWithSettings(t *testing.T) {
	for _, tail := range []string{"", "?", "?bandwidth=1", "?a=b?c=d"} {
		r := newRecorder()
		p := serveIngest(t, keyring{testKey: "gig"}, recordInto(r))
		if err := Push(t.Context(), p.url()+"/", testKey+tail, tinyClip, false); err != nil {
			t.Errorf("%q: %v", tail, err)
			continue
		}
		awaitEnd(t, r)
	}
}

// An Authorizer that hangs is given up.
func TestSlowAuthorizer(t *testing.T) {
	p := serveIngest(t, authFunc(func(ctx context.Context, _ string) (string, error) {
		<-ctx.Done()
		return "", ctx.Err()
	}), nil)
	began := time.Now()
	if err := Push(t.Context(), p.url(), testKey, tinyClip, false); err == nil || !strings.Contains(err.Error(), textTrouble) {
		t.Errorf("Push: %v", err)
	}
	if took := time.Since(began); took > authorizeWait+3*time.Second {
		t.Errorf("given up after %v", took)
	}
}

// A publisher that the relay drops loses its connection, and so does one
// whose tags are not wanted any more.
func TestDropped(t *testing.T) {
	raw, _ := readSession(t, "ffmpeg-h264-aac")
	for name, drop := range map[string]func(*place){
		"kicked":   func(p *place) { p.relay.Kick("gig") },
		"ended":    func(p *place) { p.relay.End("gig") },
		"shutdown": func(p *place) { _ = p.Shutdown(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			p := serveIngest(t, keyring{testKey: "gig"}, nil)
			conn := p.dial(t)
			_, _ = conn.Write(raw[:len(raw)/2])
			await(t, "the stream", func() bool { return p.relay.State("gig") == StateLive })
			drop(p)
			awaitHangUp(t, conn)
			await(t, "the log line", func() bool { return strings.Contains(p.log.String(), "publisher ended") })
		})
	}
}

// The newest of two publishers wins.
func TestTakeoverOverRTMP(t *testing.T) {
	raw, _ := readSession(t, "ffmpeg-h264-aac")
	p := serveIngest(t, keyring{testKey: "gig"}, nil)
	old := p.dial(t)
	_, _ = old.Write(raw[:len(raw)/2])
	await(t, "the stream", func() bool { return p.relay.State("gig") == StateLive })
	next := p.dial(t)
	_, _ = next.Write(raw[:len(raw)/2])
	awaitHangUp(t, old)
	await(t, "the stream to go on", func() bool { return p.relay.State("gig") == StateLive })
	if n := p.relay.Stats().Publishers; n != 1 {
		t.Errorf("%d publishers", n)
	}
}
