package media

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// testKey is the stream key of the recorded sessions.
const testKey = "test-key-0000000000000000"

// refuseTest is what keyring says to a key that it does not know.
const refuseTest = "This stream key is not known."

// keyring is an Authorizer: stream key → gig id.
type keyring map[string]string

func (k keyring) Authorize(_ context.Context, key string) (string, error) {
	if id, ok := k[key]; ok {
		return id, nil
	}
	return "", &Refusal{refuseTest}
}

// authFunc is an Authorizer made of a function.
type authFunc func(ctx context.Context, key string) (string, error)

func (f authFunc) Authorize(ctx context.Context, key string) (string, error) { return f(ctx, key) }

// logBuffer collects log lines.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// place is an Ingest that serves on a real port.
type place struct {
	*Ingest
	relay *Relay
	addr  string
	log   *logBuffer
}

// serveIngest starts an Ingest; change, when not nil, is applied before it serves.
func serveIngest(t testing.TB, a Authorizer, change func(*Ingest)) *place {
	t.Helper()
	p := &place{log: new(logBuffer)}
	log := slog.New(slog.NewTextHandler(p.log, nil))
	p.relay = NewRelay(RelayOptions{Grace: time.Second, Logger: log})
	p.Ingest = NewIngest(p.relay, a, IngestOptions{Logger: log})
	if change != nil {
		change(p.Ingest)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.addr = ln.Addr().String()
	served := make(chan error, 1)
	go func() { served <- p.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := p.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
		if err := p.relay.Shutdown(ctx); err != nil {
			t.Errorf("relay: %v", err)
		}
	})
	return p
}

func (p *place) url() string { return "rtmp://" + p.addr + "/live" }

// dial opens a connection that the test's end closes.
func (p *place) dial(t testing.TB) net.Conn {
	t.Helper()
	c, err := net.DialTimeout("tcp", p.addr, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// recorder is a tagWriter that keeps what it is given.
type recorder struct {
	mu    sync.Mutex
	tags  []recorded
	ended chan struct{}
}

type recorded struct {
	kind      TagType
	timestamp uint32
	body      []byte
}

func newRecorder() *recorder { return &recorder{ended: make(chan struct{})} }

func (r *recorder) WriteTag(t TagType, timestamp uint32, body []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tags = append(r.tags, recorded{t, timestamp, bytes.Clone(body)})
	return nil
}

func (r *recorder) TooFast(int) {}

func (r *recorder) Close() { close(r.ended) }

// of returns the tags of one kind.
func (r *recorder) of(kind TagType) []recorded {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []recorded
	for _, tag := range r.tags {
		if tag.kind == kind {
			out = append(out, tag)
		}
	}
	return out
}

// recordInto makes an Ingest write into r and not into its relay.
func recordInto(r *recorder) func(*Ingest) {
	return func(i *Ingest) {
		i.publish = func(string, PublisherInfo) (tagWriter, error) { return r, nil }
	}
}

// await polls until ok, for at most 10 s.
func await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// awaitEnd waits for the end of a publisher.
func awaitEnd(t testing.TB, r *recorder) {
	t.Helper()
	select {
	case <-r.ended:
	case <-time.After(20 * time.Second):
		t.Fatal("the publisher did not end")
	}
}

// run runs a real program and returns what it printed.
func run(t testing.TB, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	return string(out), err
}

func TestFFmpegPublishes(t *testing.T) {
	const video = "testsrc=size=320x180:rate=25:duration=2"
	const audio = "sine=frequency=440:duration=2"
	x264 := []string{"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25"}
	aac := []string{"-c:a", "aac", "-b:a", "64k"}
	both := []string{"-f", "lavfi", "-i", video, "-f", "lavfi", "-i", audio}
	join := func(lists ...[]string) (all []string) {
		for _, l := range lists {
			all = append(all, l...)
		}
		return all
	}
	clip := t.TempDir() + "/clip.flv"
	if out, err := run(t, "ffmpeg", join([]string{"-v", "error"}, both, x264, aac, []string{clip})...); err != nil {
		t.Fatal(err, out)
	}
	tests := []struct {
		name         string
		args         []string
		audio, video int // least tags
	}{
		{"encode", join(both, x264, aac), 60, 50},
		{"copy", []string{"-i", clip, "-c", "copy"}, 60, 50},
		{"audio only", join([]string{"-f", "lavfi", "-i", audio}, aac), 60, 0},
		{"video only", join([]string{"-f", "lavfi", "-i", video}, x264), 0, 50},
		{"B-frames", join(both, []string{"-c:v", "libx264", "-bf", "3", "-pix_fmt", "yuv420p"}, aac), 60, 50},
		{"past 24 bits", join(both, x264, aac, []string{"-output_ts_offset", "20000"}), 60, 50},
		{"across 24 bits", join(both, x264, aac, []string{"-output_ts_offset", "16776"}), 60, 50},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRecorder()
			p := serveIngest(t, keyring{testKey: "gig"}, recordInto(r))
			args := join([]string{"-v", "error"}, tt.args, []string{"-f", "flv", p.url() + "/" + testKey})
			if out, err := run(t, "ffmpeg", args...); err != nil || strings.TrimSpace(out) != "" {
				t.Fatalf("ffmpeg: %v\n%s", err, out)
			}
			awaitEnd(t, r)
			if a, v := len(r.of(TagAudio)), len(r.of(TagVideo)); a < tt.audio || v < tt.video {
				t.Errorf("%d audio and %d video tags", a, v)
			}
			if tt.video == 0 && len(r.of(TagVideo)) > 0 || tt.audio == 0 && len(r.of(TagAudio)) > 0 {
				t.Error("tags of a kind that was not sent")
			}
			if len(r.of(TagScript)) != 1 {
				t.Errorf("%d script tags", len(r.of(TagScript)))
			}
			if !strings.Contains(p.log.String(), "ended by the encoder") {
				t.Errorf("log: %s", p.log)
			}
		})
	}
}

func TestFFmpegShowsRefusal(t *testing.T) {
	p := serveIngest(t, keyring{}, nil)
	out, err := run(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=duration=1", "-c:a", "aac",
		"-f", "flv", p.url()+"/canary-key-1234")
	if err == nil || !strings.Contains(out, refuseTest) {
		t.Errorf("ffmpeg: %v\n%s", err, out)
	}
	out, err = run(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=duration=1", "-c:a", "aac",
		"-f", "flv", "rtmp://"+p.addr+"/elsewhere/canary-key-1234")
	if err == nil || !strings.Contains(out, "ends in /live") {
		t.Errorf("ffmpeg: %v\n%s", err, out)
	}
	// It waits for the connections and logs what is counted.
	if err := p.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if log := p.log.String(); strings.Contains(log, "canary") || strings.Count(log, "\n") != 2 ||
		strings.Count(log, `what="publish refused" count=1 addr=127.0.0.1:`) != 1 ||
		strings.Count(log, `what="wrong application" count=1 addr=127.0.0.1:`) != 1 {
		t.Errorf("log: %s", log)
	}
}

// GStreamer's two RTMP sinks publish and end cleanly.
func TestGStreamerPublishes(t *testing.T) {
	for _, sink := range []string{"rtmpsink", "rtmp2sink"} {
		t.Run(sink, func(t *testing.T) {
			r := newRecorder()
			p := serveIngest(t, keyring{testKey: "gig"}, recordInto(r))
			out, err := run(t, "gst-launch-1.0", "-q",
				"videotestsrc", "num-buffers=60", "is-live=true", "!", "video/x-raw,format=I420,width=160,height=90,framerate=30/1",
				"!", "x264enc", "tune=zerolatency", "key-int-max=30", "!", "flvmux", "name=mux", "streamable=true",
				"!", sink, "location="+p.url()+"/"+testKey,
				"audiotestsrc", "num-buffers=80", "is-live=true", "!", "audioconvert", "!", "avenc_aac", "!", "mux.")
			if err != nil || strings.Contains(out, "ERROR") {
				t.Fatalf("%v\n%s", err, out)
			}
			awaitEnd(t, r)
			if a, v := len(r.of(TagAudio)), len(r.of(TagVideo)); a < 50 || v < 60 {
				t.Errorf("%d audio and %d video tags", a, v)
			}
			if len(r.of(TagScript)) == 0 {
				t.Error("no metadata")
			}
			if !strings.Contains(p.log.String(), "ended by the encoder") {
				t.Errorf("log: %s", p.log)
			}
		})
	}
}
