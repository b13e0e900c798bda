package handlers

import (
	"context"
	"net"
	"os/exec"
	"testing"
	"time"

	"bookmygig/media"
	"bookmygig/store"
)

// listForFilm lists a gig that is on now and returns its stream key.
func (ts *testServer) listForFilm(t *testing.T, change func(*store.Gig)) (g store.Gig, key string) {
	t.Helper()
	key = store.NewStreamKey()
	g = ts.listGig(t, func(g *store.Gig) {
		g.KeyHash = store.HashKey(key)
		g.Start = time.Now().UTC().Add(-20 * time.Minute)
		if change != nil {
			change(g)
		}
	})
	return g, key
}

// ingest takes publishers in over RTMP and returns the URL to send to.
func (ts *testServer) ingest(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	in := media.NewIngest(ts.Relay, ts.data, media.IngestOptions{Logger: ts.Logger})
	done := make(chan error, 1)
	go func() { done <- in.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := in.Shutdown(ctx); err != nil {
			t.Errorf("ingest: %v", err)
		}
		<-done
	})
	return "rtmp://" + ln.Addr().String() + "/live/"
}

// film publishes a test picture of 1280 by 720 with a tone, as a camera would,
// until the returned function or the end of the test stops it. more are
// further arguments of ffmpeg for the output.
func film(t *testing.T, url string, more ...string) (kill func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	args := []string{"-hide_banner", "-loglevel", "error", "-nostdin", "-re",
		"-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=15", "-f", "lavfi", "-i", "sine=frequency=330:sample_rate=44100",
		"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-g", "15", "-b:v", "800k",
		"-c:a", "aac", "-b:a", "96k"}
	cmd := exec.CommandContext(ctx, "ffmpeg", append(append(args, more...), "-f", "flv", url)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = cmd.Wait() }() // killed: its error says only that
	kill = func() { cancel(); <-done }
	t.Cleanup(kill)
	return kill
}
