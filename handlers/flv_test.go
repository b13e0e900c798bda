package handlers

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"bookmygig/media"
	"bookmygig/store"
)

func TestLiveFLVStatus(t *testing.T) {
	ts := newTestServer(t)
	waiting := ts.listGig(t, nil)
	live := ts.listGig(t, nil)
	over := ts.listGig(t, func(g *store.Gig) { g.EndedAt = time.Now() })
	cancelled := ts.listGig(t, func(g *store.Gig) { g.CancelledAt = time.Now() })
	ts.goLive(t, live.ID)

	for _, c := range []struct {
		name, id string
		want     int
	}{
		{"live", live.ID, 200},
		{"nothing is on", waiting.ID, 409},
		{"ended", over.ID, 409},
		{"cancelled", cancelled.ID, 409},
		{"unknown", "nosuchgig", 404},
	} {
		for _, method := range []string{"HEAD", "GET"} {
			ctx, cancel := context.WithCancel(t.Context())
			req, _ := http.NewRequestWithContext(ctx, method, ts.URL+"/gigs/"+c.id+"/live.flv", nil)
			resp, err := ts.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != c.want {
				t.Errorf("%s: %s answers %d, want %d", c.name, method, resp.StatusCode, c.want)
			}
			if resp.StatusCode == 200 {
				for name, want := range map[string]string{
					"Content-Type": "video/x-flv", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
				} {
					if got := resp.Header.Get(name); got != want {
						t.Errorf("%s: %s is %q, want %q", method, name, got, want)
					}
				}
			}
			cancel()
			resp.Body.Close()
		}
	}
	for _, method := range []string{"POST", "PUT", "OPTIONS", "DELETE"} {
		req, _ := http.NewRequestWithContext(t.Context(), method, ts.URL+"/gigs/"+live.ID+"/live.flv", nil)
		resp, err := ts.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s answers %d, want 405", method, resp.StatusCode)
		}
	}
	eventually(t, "no viewer is left", func() bool { return ts.Relay.Viewers(live.ID) == 0 })
}

// dialLive opens the stream by hand and returns what follows the head.
func (ts *testServer) dialLive(t *testing.T, gigID, query string) (net.Conn, *http.Response) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(ts.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, "GET /gigs/"+gigID+"/live.flv"+query+" HTTP/1.1\r\nHost: gigs.example\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReaderSize(conn, 16), nil)
	if err != nil {
		t.Fatal(err)
	}
	return conn, resp
}

func TestLiveFLVBytes(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, nil)
	p := ts.goLive(t, g.ID)
	_, resp := ts.dialLive(t, g.ID, "")
	if resp.StatusCode != 200 || !resp.Close || resp.Header.Get("Date") == "" ||
		resp.Header.Get("Content-Security-Policy") == "" {
		t.Errorf("status %d, close %v, header %v", resp.StatusCode, resp.Close, resp.Header)
	}
	begin := make([]byte, 13+11+len(testHeader)+4)
	if _, err := io.ReadFull(resp.Body, begin); err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(begin, []byte("FLV\x01\x01\x00\x00\x00\x09\x00\x00\x00\x00")) {
		t.Errorf("the stream begins with % x", begin[:13])
	}
	if begin[13] != byte(media.TagVideo) || !bytes.Equal(begin[24:24+len(testHeader)], testHeader) {
		t.Errorf("the first tag is % x, want the sequence header", begin[13:])
	}
	// What the publisher sends now arrives while the response runs.
	late := append(bytes.Clone(testKeyframe), "late and unmistakable"...)
	if err := p.WriteTag(media.TagVideo, 200, late); err != nil {
		t.Fatal(err)
	}
	readUntil(t, resp.Body, late)
	ts.Relay.End(g.ID)
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Errorf("the end of the show is %v, want a clean end", err)
	}
}

func readUntil(t *testing.T, r io.Reader, want []byte) {
	t.Helper()
	var got []byte
	b := make([]byte, 1024)
	for !bytes.Contains(got, want) {
		n, err := r.Read(b)
		got = append(got, b[:n]...)
		if err != nil {
			t.Fatalf("after %d bytes: %v", len(got), err)
		}
	}
}

func TestViewerReplacesItself(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, nil)
	ts.goLive(t, g.ID)
	_, first := ts.dialLive(t, g.ID, "?viewer=abc_DEF-1")
	_, other := ts.dialLive(t, g.ID, "?viewer=another")
	ts.dialLive(t, g.ID, "?viewer=abc_DEF-1")
	if _, err := io.Copy(io.Discard, first.Body); err != nil {
		t.Errorf("the older connection ends with %v", err)
	}
	if n := ts.Relay.Viewers(g.ID); n != 2 {
		t.Errorf("%d viewers, want 2", n)
	}
	readUntil(t, other.Body, testHeader)

	// What is no proper id is ignored: two such are two viewers.
	ts.dialLive(t, g.ID, "?viewer=%0d%0a")
	ts.dialLive(t, g.ID, "?viewer=%0d%0a")
	ts.dialLive(t, g.ID, "?viewer="+strings.Repeat("a", 65))
	ts.dialLive(t, g.ID, "?viewer="+strings.Repeat("a", 65))
	if n := ts.Relay.Viewers(g.ID); n != 6 {
		t.Errorf("%d viewers, want 6", n)
	}
}

// publishUntil sends large keyframes until stop is closed.
func publishUntil(t *testing.T, p *media.Publisher, stop <-chan struct{}) (stopped <-chan struct{}) {
	done := make(chan struct{})
	frame := append(bytes.Clone(testKeyframe), make([]byte, 100<<10)...)
	go func() {
		defer close(done)
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for ts := uint32(1000); ; ts += 40 {
			select {
			case <-stop:
				return
			case <-tick.C:
				if err := p.WriteTag(media.TagVideo, ts, frame); err != nil {
					t.Errorf("publishing: %v", err)
					return
				}
			}
		}
	}()
	return done
}

func TestStalledViewerIsCutAndSlowOneIsNot(t *testing.T) {
	ts := newTestServer(t)
	ts.streams.stallAt = 400 * time.Millisecond
	g := ts.listGig(t, nil)
	p := ts.goLive(t, g.ID)
	stop := make(chan struct{})
	done := publishUntil(t, p, stop)
	defer func() { close(stop); <-done }()

	ts.dialLive(t, g.ID, "?viewer=stalled") // reads the head and then nothing
	slow, resp := ts.dialLive(t, g.ID, "?viewer=slow")
	_ = slow.(*net.TCPConn).SetReadBuffer(16 << 10)
	b := make([]byte, 64<<10)
	cut := false
	for start := time.Now(); !cut || time.Since(start) < 2*time.Second; time.Sleep(20 * time.Millisecond) {
		if _, err := io.ReadFull(resp.Body, b); err != nil {
			t.Fatalf("the slow viewer was cut: %v", err)
		}
		cut = ts.Relay.Viewers(g.ID) == 1
		if time.Since(start) > 15*time.Second {
			t.Fatal("the stalled viewer was not cut")
		}
	}
}

// trickle is a connection whose peer takes one byte in each look, as often as
// it still takes something.
type trickle struct {
	net.Conn
	takes    int
	deadline time.Time
	writes   int
}

func (c *trickle) SetWriteDeadline(d time.Time) error { c.deadline = d; return nil }

func (c *trickle) Write([]byte) (n int, err error) {
	c.writes++
	time.Sleep(time.Until(c.deadline))
	if c.writes <= c.takes {
		n = 1
	}
	return n, &net.OpError{Op: "write", Err: os.ErrDeadlineExceeded}
}

// A reader of a byte at a time is not served for ever, and whoever stops to
// take anything is cut one stall later, wherever in a batch that is.
func TestBatchLimit(t *testing.T) {
	for takes, want := range map[int]int{
		1000:      looks*int(batchLimit/stallLimit) + 1,
		0:         looks,
		1:         looks + 1,
		2 * looks: 3 * looks,
	} {
		synctest.Test(t, func(t *testing.T) {
			var st streams
			c := &trickle{takes: takes}
			if st.write(&streamConn{conn: c, pending: net.Buffers{make([]byte, 1000)}}) == nil {
				t.Fatal("it was served to the end")
			}
			if c.writes != want {
				t.Errorf("takes %d times: cut after %d looks, want %d", takes, c.writes, want)
			}
		})
	}
}

func TestViewerThatLeavesInGraceIsNoticed(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, nil)
	p := ts.goLive(t, g.ID)
	conn, resp := ts.dialLive(t, g.ID, "")
	stays, there := ts.dialLive(t, g.ID, "")
	readUntil(t, resp.Body, testKeyframe)
	readUntil(t, there.Body, testKeyframe)
	// What it says hides that it leaves from who only looks at the next byte.
	if _, err := io.WriteString(conn, "goodbye"); err != nil {
		t.Fatal(err)
	}
	p.Close()
	eventually(t, "the grace runs", func() bool { return ts.Relay.State(g.ID) == media.StateReconnecting })
	conn.Close()
	eventually(t, "the one that left is not counted", func() bool {
		ts.streams.sweep(time.Now(), 0)
		return ts.Relay.Viewers(g.ID) == 1
	})
	ts.goLive(t, g.ID)
	_ = stays.SetDeadline(time.Now().Add(10 * time.Second))
	readUntil(t, there.Body, testHeader)
}

func TestStreamsEndWithTheServer(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, nil)
	ts.goLive(t, g.ID)
	_, resp := ts.dialLive(t, g.ID, "")
	if err := ts.Relay.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Errorf("the stream ends with %v", err)
	}
	ts.streams.wait(5 * time.Second)
	a, b := net.Pipe()
	defer b.Close()
	if ts.streams.add(&streamConn{conn: a, cancel: func() {}}, func() {}) {
		t.Error("a stream began after the end")
	}
	a.Close()
}

func TestWaitCutsWhatDoesNotEnd(t *testing.T) {
	var st streams
	a, b := net.Pipe()
	defer b.Close()
	ctx, cancel := context.WithCancel(t.Context())
	sc := &streamConn{conn: a, cancel: cancel}
	st.add(sc, func() { <-ctx.Done(); st.remove(sc) })
	st.wait(20 * time.Millisecond)
	if _, err := a.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the connection is still open: %v", err)
	}
}

// What the system holds for a viewer that never reads is bounded.
func TestStalledViewerTakesLittle(t *testing.T) {
	ts := newTestServer(t)
	ts.streams.stallAt = 400 * time.Millisecond
	g := ts.listGig(t, nil)
	p := ts.goLive(t, g.ID)
	conn, resp := ts.dialLive(t, g.ID, "")
	if err := conn.(*net.TCPConn).SetReadBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	done := publishUntil(t, p, stop)
	eventually(t, "it is cut", func() bool { return ts.Relay.Viewers(g.ID) == 0 })
	close(stop)
	<-done
	// What it has not taken is thrown away at once, instead of being kept for
	// minutes: a connection that is ended in order would end with EOF.
	n, err := io.Copy(io.Discard, resp.Body)
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("it ends with %v, want a reset", err)
	}
	// The system doubles what it is asked for, and the reader's end holds some.
	if most := int64(4*sendBuffer + 256<<10); n > most {
		t.Errorf("%d bytes were written to it, want %d at most", n, most)
	}
	t.Logf("%d bytes", n)
}

// TestLiveFLVIsObserved: what counts requests does not stand in the way of
// taking the connection over.
func TestLiveFLVIsObserved(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, nil)
	ts.goLive(t, g.ID)
	type request struct {
		route, method string
		status        int
	}
	seen := make(chan request, 4)
	o := ts.Options
	o.OnRequest = func(route, method string, status int, _ time.Duration) { seen <- request{route, method, status} }
	observed := NewServer(o)
	web := httptest.NewServer(observed)
	defer web.Close()
	there := *ts
	there.URL = web.URL
	_, resp := there.dialLive(t, g.ID, "")
	// It is counted at once: the goroutine of net/http is free while the stream runs.
	if got, want := <-seen, (request{"/gigs/{id}/live.flv", "GET", 200}); got != want {
		t.Errorf("observed %v, want %v", got, want)
	}
	readUntil(t, resp.Body, testKeyframe)
	ts.Relay.End(g.ID)
	observed.streams.wait(5 * time.Second)
}
